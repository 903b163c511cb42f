import type { Document } from "mongodb";
import { describe, expect, test } from "vitest";
import { backgroundDone } from "../../lib/async.ts";
import { recordCommands } from "../support/commands.ts";
import { dashboardWorld } from "../support/dashboard.ts";
import { failCommands } from "../support/fail-commands.ts";
import { ago, createWorld, type World } from "../support/world.ts";

/*
 * An app's own rules may allow some of what a pass writes and not the rest. Whatever they turn away, nothing is sent
 * twice, the pass is not ok, and what is known stands where it can.
 */

const without = (...fields: string[]) => ({ $nor: fields.map((field) => ({ [field]: { $exists: true } })) });

/** No rule can be set while a pass still builds indexes. */
async function setRule(world: World, collection: string, validator: Document): Promise<void> {
  await backgroundDone();
  await world.db.command({ collMod: collection, validator });
}

/** As if the fifteen seconds had gone by in which a pass does not try again what it has given back. */
const freeReleased = ({ messages }: World) =>
  messages.updateMany({ "delivery.state": "released" }, { $unset: { "delivery.settledAt": "" } });

const codesOf = async (response: Response) => {
  const { errors, ...rest } = (await response.json()) as { ok: boolean; errors: { code: string }[] };
  return { ok: rest.ok, codes: errors.map(({ code }) => code) };
};

describe("a validation rule that does not know sentAt", () => {
  test("ends the session after the first message, of which delivery alone says that it was sent", async () => {
    const world = await createWorld();
    const [first, second] = await world.insert({ scheduledAt: ago(20) }, { scheduledAt: ago(10) });
    await setRule(world, "messages", without("sentAt"));
    expect(await world.pass()).toMatchObject({
      ok: false,
      sent: 1,
      errors: [{ code: "database_refused", count: 2 }],
    });
    expect(world.waha.ledger).toHaveLength(1);
    expect(await world.find(first)).toMatchObject({
      isSent: false,
      isPicked: true,
      delivery: {
        state: "sent",
        waMessageId: world.waha.ledger[0]?.id,
        error: { code: "database_refused", message: expect.stringContaining("WAHA accepted the message") },
      },
    });
    expect(await world.find(second)).toMatchObject({
      isPicked: false,
      delivery: { state: "released", error: { code: "database_refused" } },
    });
  });

  test("costs no more than one message a session and pass, until it is gone; then the app's fields follow", async () => {
    const world = await createWorld();
    const ids = await world.insert(
      { scheduledAt: ago(40) },
      { scheduledAt: ago(30) },
      { scheduledAt: ago(20) },
    );
    const { insertedId } = await world.campaigns.insertOne({ sessionId: "default" });
    await world.messages.updateMany({}, { $set: { campaignId: insertedId } });
    await setRule(world, "messages", without("sentAt"));
    await world.pass();
    await freeReleased(world);
    expect(await world.pass()).toMatchObject({ ok: false, sent: 1 });
    expect(world.waha.ledger).toHaveLength(2);
    await freeReleased(world);
    await setRule(world, "messages", {});
    // What could not be written was put off.
    await world.messages.updateMany(
      { "delivery.nextLookupAt": { $exists: true } },
      { $set: { "delivery.nextLookupAt": ago(1) } },
    );
    expect(await world.pass()).toMatchObject({ ok: true, sent: 1, errors: [] });
    expect(world.waha.ledger).toHaveLength(3);
    for (const id of ids) {
      const message = await world.find(id);
      expect(message).toMatchObject({ isSent: true, sentAt: expect.any(Date), delivery: { state: "sent" } });
      expect(message.delivery).not.toHaveProperty("error");
      expect(message.delivery).not.toHaveProperty("nextLookupAt");
    }
    expect(await world.campaigns.findOne({})).toMatchObject({
      status: "completed",
      delivery: { counts: { total: 3, sent: 3 } },
    });
  });

  test("keeps what a lookup finds in delivery alone", async () => {
    const world = await createWorld({ engine: "NOWEB" });
    world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "resetAfter" } });
    const [id] = await world.insert({});
    await world.pass();
    expect((await world.find(id)).delivery.state).toBe("attempting");
    await setRule(world, "messages", without("sentAt"));
    await world.messages.updateMany({}, { $set: { "delivery.nextLookupAt": ago(1) } });
    expect(await world.pass()).toMatchObject({ ok: false, errors: [{ code: "database_refused" }] });
    expect(await world.find(id)).toMatchObject({
      isSent: false,
      delivery: { state: "sent", error: { code: "database_refused" } },
    });
  });
});

/** What a pass writes on a message, by when it does. */
const WRITTEN: [field: string, posted: number][] = [
  ["isSent", 1],
  ["sentAt", 1],
  ["isPicked", 0],
  ["delivery", 0],
  ["delivery.state", 0],
  ["delivery.claimExpiresAt", 0],
  ["delivery.attemptAt", 0],
  ["delivery.nextLookupAt", 0],
  ["delivery.settledAt", 1],
];

test.each(WRITTEN)(
  "a rule that turns a change of %s away has %i message posted, and is told",
  async (field, posted) => {
    const world = await createWorld();
    const ids = await world.insert({ scheduledAt: ago(20) }, { scheduledAt: ago(10) });
    const isAsWritten = field.startsWith("is") ? { [field]: false } : without(field);
    await setRule(world, "messages", isAsWritten);
    for (let pass = 0; pass < 2; pass += 1) {
      const { ok, codes } = await codesOf(await world.call());
      expect({ ok, told: codes.includes("database_refused") }).toEqual({ ok: false, told: true });
      expect(new Set(world.waha.ledger.map(({ text }) => text)).size).toBe(world.waha.ledger.length);
      expect(world.waha.ledger.length).toBeLessThanOrEqual(posted * (pass + 1));
    }
    expect(world.waha.ledger.length).toBeGreaterThanOrEqual(posted);
    const documents = await Promise.all(ids.map((id) => world.find(id)));
    for (const { content, delivery, isSent } of documents) {
      const isPosted = world.waha.ledger.some(({ text }) => text === content);
      expect(isSent && !isPosted).toBe(false);
      if (isPosted) expect(["sent", "attempting"]).toContain(delivery.state);
    }
  },
);

test("a rule that turns the app's flag for a failure away leaves the failure in delivery alone", async () => {
  const world = await dashboardWorld();
  const of = await world.campaign(await world.session());
  const id = await world.message(of, { content: " " });
  await setRule(world, "Message", { isFailed: false });
  expect(await world.pass()).toMatchObject({ ok: false });
  expect(await world.find(id)).toMatchObject({
    isFailed: false,
    delivery: { state: "failed", error: { code: "invalid_message" } },
  });
});

describe("a rule that lets no message be due again", () => {
  /** Once a pass has written on it, it stays picked. */
  const STAYS_PICKED = { $or: [{ isPicked: true }, { delivery: { $exists: false } }] };

  test("ends what was posted and is proven unsent, with the reason", async () => {
    const world = await createWorld();
    const keyRefused = { type: "status", status: 401 } as const;
    world.waha.addFault({ match: { route: "sendText" }, times: 1, action: keyRefused });
    const [id] = await world.insert({});
    await setRule(world, "messages", STAYS_PICKED);
    expect(await world.pass()).toMatchObject({
      ok: false,
      failed: 1,
      errors: expect.arrayContaining([expect.objectContaining({ code: "database_refused", count: 1 })]),
    });
    const ended = {
      isPicked: true,
      isSent: false,
      delivery: {
        state: "failed",
        settledAt: expect.any(Date),
        error: { code: "database_refused", message: expect.stringContaining("nothing was sent") },
      },
    };
    expect(await world.find(id)).toMatchObject(ended);
    expect(await world.pass()).toMatchObject({ ok: true, sent: 0, errors: [] });
    expect(await world.find(id)).toMatchObject(ended);
  });

  test("leaves a claim that was not tried to expire, and tells of it in each pass", async () => {
    const world = await createWorld();
    const [id] = await world.insert({});
    await setRule(world, "messages", { $and: [STAYS_PICKED, without("delivery.attemptAt")] });
    await world.pass();
    const claimed = { isPicked: true, delivery: { state: "claimed", claimExpiresAt: expect.any(Date) } };
    expect(await world.find(id)).toMatchObject(claimed);
    const expired = { "delivery.claimExpiresAt": ago(5) };
    await world.messages.updateOne({}, { $set: expired }, { bypassDocumentValidation: true });
    const { ok, codes } = await codesOf(await world.call());
    expect({ ok, told: codes.includes("database_refused") }).toEqual({ ok: false, told: true });
    expect(await world.find(id)).toMatchObject(claimed);
    await setRule(world, "messages", {});
    expect(await world.pass()).toMatchObject({ ok: true, sent: 1 });
  });
});

test("a rule that lets no message fail leaves due what proved to be at fault itself, and the session goes on", async () => {
  const world = await createWorld();
  const badRequest = { type: "status", status: 400, body: { statusCode: 400, message: "x" } } as const;
  world.waha.addFault({ match: { route: "sendText", textIncludes: "m0." }, action: badRequest });
  const [refused] = await world.insert(
    ...["m0.", "m1.", "m2."].map((content, n) => ({ content, scheduledAt: ago(30 - n) })),
  );
  await setRule(world, "messages", { "delivery.state": { $ne: "failed" } });
  expect(await world.pass()).toMatchObject({ sent: 2 });
  expect(await world.find(refused)).toMatchObject({
    isPicked: false,
    delivery: { state: "released", error: { code: "waha_bad_request" } },
  });
});

describe("campaigns that can't be written", () => {
  async function readOnlyCampaigns(): Promise<{ world: World; campaignId: unknown }> {
    const world = await createWorld();
    const { insertedId: campaignId } = await world.db
      .collection("kept")
      .insertOne({ name: "Spring", sessionId: "default" });
    await world.db.createCollection("campaigns", { viewOn: "kept", pipeline: [] });
    return { world, campaignId };
  }

  test("keep their own messages from going out, and no others", async () => {
    const { campaignId, world } = await readOnlyCampaigns();
    const [of, other] = await world.insert({ campaignId, scheduledAt: ago(20) }, { scheduledAt: ago(10) });
    expect(await world.pass()).toMatchObject({
      ok: false,
      sent: 1,
      released: 1,
      errors: expect.arrayContaining([expect.objectContaining({ code: "database_refused" })]),
    });
    expect(await world.find(other)).toMatchObject({ isSent: true });
    expect(await world.find(of)).toMatchObject({
      isPicked: false,
      delivery: {
        state: "released",
        error: {
          code: "database_refused",
          message: expect.stringContaining("its campaign can't be written"),
        },
      },
    });
  });

  test("do so however many of them come first", async () => {
    const { campaignId, world } = await readOnlyCampaigns();
    const many = Array.from({ length: 600 }, (_, n) => ({ campaignId, scheduledAt: ago(90 - n / 100) }));
    await world.insert(...many, { content: "other", scheduledAt: ago(10) });
    const commands = recordCommands(world);
    expect(await world.pass()).toMatchObject({ ok: false, sent: 1 });
    expect(world.waha.ledger.map(({ text }) => text)).toEqual(["other"]);
    const told = { "delivery.state": "released", "delivery.error.code": "database_refused" };
    expect(await world.messages.countDocuments(told)).toBe(600);
    // The first claim shows it, and the rest is told together: nothing of it is claimed again.
    const writes = commands.filter(({ collection, name }) => name === "update" && collection === "messages");
    expect(writes.length).toBeLessThan(20);
  });

  test("let late messages become missed, with the reason that they have", async () => {
    const { campaignId, world } = await readOnlyCampaigns();
    const [waited, late] = await world.insert({ campaignId }, { campaignId, scheduledAt: ago(300) });
    expect(await world.pass()).toMatchObject({ ok: false, sent: 0, missed: 1 });
    expect(await world.find(late)).toMatchObject({ delivery: { state: "missed" } });
    await world.messages.updateMany({ "delivery.state": "released" }, [
      {
        $set: {
          scheduledAt: { $subtract: ["$scheduledAt", 210_000] },
          "delivery.error.at": { $subtract: ["$delivery.error.at", 210_000] },
        },
      },
    ]);
    await world.pass();
    expect(await world.find(waited)).toMatchObject({
      delivery: { state: "missed", error: { code: "database_refused" } },
    });
  });

  test("do so where the database's user may only read them", async () => {
    const world = await createWorld();
    const { insertedId: campaignId } = await world.campaigns.insertOne({ sessionId: "default" });
    const [of, other] = await world.insert({ campaignId, scheduledAt: ago(20) }, { scheduledAt: ago(10) });
    const namespace = `${world.db.databaseName}.campaigns`;
    const off = await failCommands(world, "alwaysOn", {
      failCommands: ["update"],
      namespace,
      errorCode: 13,
    });
    const summary = await world.pass();
    await off();
    expect(summary).toMatchObject({ ok: false, sent: 1, errors: [{ code: "database_refused" }] });
    expect(await world.find(other)).toMatchObject({ isSent: true });
    expect(await world.find(of)).toMatchObject({ delivery: { state: "released" } });
    expect(await world.pass()).toMatchObject({ ok: true, sent: 1 });
  });
});
