import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Document, ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { ROOT } from "../../dev/docs/generate.ts";
import { backgroundDone } from "../../lib/async.ts";
import { ago, createWorld, message, type World } from "../support/world.ts";

const schemaOf = (part: "message" | "campaign"): Document =>
  JSON.parse(readFileSync(join(ROOT, `docs/${part}.schema.json`), "utf8"));

/** A world whose collections have the schemas for validators. */
async function validatedWorld(engine: string): Promise<World> {
  const sessions = [{ name: "default" }, { name: "stopped", status: "STOPPED" as const }];
  const world = await createWorld({ engine: engine as "NOWEB", sessions });
  await world.db.createCollection("messages", { validator: { $jsonSchema: schemaOf("message") } });
  await world.db.createCollection("campaigns", { validator: { $jsonSchema: schemaOf("campaign") } });
  return world;
}

/** The paths of all fields of a document's `delivery`. */
const fieldsOf = (document: Document) => Object.keys(document.delivery ?? {});

test.each(["NOWEB", "WEBJS"])(
  "collections with the schemas for validators take all that passes write: %s",
  async (engine) => {
    const world = await validatedWorld(engine);
    const { insertedId: campaignId } = await world.campaigns.insertOne({
      name: "Spring",
      sessionId: "default",
      status: "new",
    });
    const past = {
      state: "claimed",
      passId: "dead",
      claimedAt: ago(90),
      claimExpiresAt: ago(40),
      attempts: 0,
    };
    world.waha.addFault({
      match: { route: "sendText", textIncludes: "lost" },
      times: 1,
      action: { type: "resetAfter" },
    });
    world.waha.addFault({
      match: { route: "sendText", textIncludes: "refused" },
      times: 1,
      action: { type: "status", status: 400 },
    });
    await world.insert(
      { campaignId, scheduledAt: ago(30) },
      {
        media: { kind: "image", url: "https://files.example.com/a.png", mimetype: null },
        content: null,
        scheduledAt: ago(29),
      },
      { chatId: "+49 170", scheduledAt: ago(28) },
      { sessionId: "stopped", scheduledAt: ago(27) },
      { scheduledAt: ago(300) },
      { isPicked: true, delivery: past, scheduledAt: ago(26) },
      { content: "refused", scheduledAt: ago(25) },
      { content: "lost", scheduledAt: ago(5) },
      { scheduledAt: null },
    );
    for (let pass = 0; pass < 3; pass += 1) {
      const { errors } = await world.pass();
      expect(errors.map(({ code }) => code)).not.toContain("database_refused");
      await backgroundDone();
      await world.messages.updateMany(
        { "delivery.nextLookupAt": { $exists: true } },
        { $set: { "delivery.nextLookupAt": ago(1) } },
      );
      await world.scheduler.updateMany({ _id: /^session:/ as never }, { $set: { expiresAt: ago(1) } });
    }
    const messages = await world.messages.find({}).toArray();
    const ends = new Set(messages.map(({ delivery }) => delivery?.state));
    expect(ends).toEqual(
      new Set([
        undefined,
        "sent",
        "failed",
        "missed",
        "released",
        ...(engine === "WEBJS" ? ["unknown"] : []),
      ]),
    );
    const known = schemaOf("message").properties.delivery.anyOf[0].properties;
    expect([...new Set(messages.flatMap(fieldsOf))].filter((field) => !(field in known))).toEqual([]);
    expect(await world.campaigns.findOne({})).toMatchObject({
      status: "completed",
      delivery: { counts: { sent: 1 } },
    });
  },
);

const WRONG: [what: string, fields: Document][] = [
  ["a date that is a text", { scheduledAt: new Date().toISOString() }],
  ["a date that is a number", { scheduledAt: Date.now() }],
  ["a date that is a moment", { scheduledAt: { _isAMomentObject: true, _d: new Date() } }],
  ["a flag that is a text", { isSent: "false" }],
  ["a flag that is a number", { isPicked: 0 }],
  ["a flag that is null", { isDeleted: null }],
  ["no chat", { chatId: null }],
  ["a text that is none", { content: 5 }],
  ["a file without an address", { media: { kind: "image" } }],
  ["a file of another kind", { media: { kind: "sticker", url: "https://files.example.com/a" } }],
  ["a reference that is a document", { campaignId: { $ref: "campaigns" } }],
  ["a delivery that is a list", { delivery: [] }],
  ["a delivery of another program's", { delivery: { state: "pending" } }],
];

test.each(WRONG)("the schema turns away %s", async (_what, fields) => {
  const world = await validatedWorld("NOWEB");
  await expect(world.messages.insertOne(message(fields))).rejects.toThrow("Document failed validation");
});

test("the schema takes what an app may leave out, and fields of its own", async () => {
  const world = await validatedWorld("NOWEB");
  await world.insert({ campaignId: new ObjectId(), sessionId: null, note: { any: "thing" } });
  await world.campaigns.insertOne({ title: "of its own" });
  expect(await world.messages.countDocuments({})).toBe(1);
});
