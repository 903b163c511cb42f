import fc from "fast-check";
import { type Document, ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { ago, createWorld, message, type World } from "../support/world.ts";
import { insertRaw } from "./raw-bson.ts";
import { holds } from "./seeds.ts";
import { anyValue, BSON_TYPES, withFields } from "./values.ts";

const OF_DELIVERY = ["open", "rev", "checkedAt", "settledAt", "counts"];
const FIELDS = {
  campaigns: [
    "_id",
    "name",
    "status",
    "sessionId",
    "completedAt",
    "delivery",
    ...OF_DELIVERY.map((f) => `delivery.${f}`),
  ],
  sessions: ["_id", "name"],
};

/** A campaign or a session that is odd in some fields. */
interface Odd {
  collection: keyof typeof FIELDS;
  fields: Record<string, unknown>;
}

const oddIn = (collection: keyof typeof FIELDS): fc.Arbitrary<Odd> =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...FIELDS[collection]), anyValue), {
      minLength: 1,
      maxLength: 3,
      selector: ([field]) => field,
    })
    .map((fields) => ({ collection, fields: Object.fromEntries(fields) }));

const BASES: Record<keyof typeof FIELDS, () => Document> = {
  campaigns: () => ({
    _id: new ObjectId(),
    name: "odd",
    status: "scheduled",
    sessionId: "default",
    delivery: { open: true, rev: 3, checkedAt: ago(90) },
  }),
  sessions: () => ({ _id: new ObjectId(), name: "default" }),
};

/** Lets passes work on odd campaigns and sessions, each with a message, and on good ones. */
async function survives(world: World, odd: Odd[]): Promise<void> {
  await world.database.drop();
  const seen = world.waha.ledger.length;
  const session = await world.sessions.insertOne({ name: "default" });
  const campaign = await world.campaigns.insertOne({
    name: "good",
    sessionId: session.insertedId.toHexString(),
  });
  const goodIds = await world.insert({ campaignId: campaign.insertedId }, { sessionId: session.insertedId });
  const whole = odd.map(({ collection, fields }) => ({ collection, fields, base: BASES[collection]() }));
  for (const name of ["campaigns", "sessions"] as const) {
    const documents = whole.filter(({ collection }) => collection === name);
    if (documents.length === 0) continue;
    await insertRaw(
      world.database.url,
      name,
      documents.map(({ base, fields }) => withFields(base, fields)),
    );
  }
  const messages = whole.map(({ collection, base, fields }, n) =>
    withFields(message({ content: `odd ${n}`, scheduledAt: ago(n % 2 ? 60 : 300) }), {
      [collection === "campaigns" ? "campaignId" : "sessionId"]: { ...base, ...fields }._id,
    }),
  );
  await insertRaw(world.database.url, "messages", messages);
  for (let pass = 0; pass < 3; pass += 1) {
    const response = await world.call();
    expect(`${response.status} ${response.ok || (await response.text())}`).toBe("200 true");
  }
  const texts = world.waha.ledger.slice(seen).map((entry) => entry.text);
  expect(new Set(texts).size).toBe(texts.length);
  for (const id of goodIds) expect(texts).toContain((await world.find(id)).content);
  expect(await world.campaigns.findOne({ _id: campaign.insertedId })).toMatchObject({
    status: "completed",
    delivery: { open: false, counts: { total: 1, sent: 1 } },
  });
}

const EACH = Object.entries(FIELDS).flatMap(([collection, fields]) =>
  fields.map((field) => [collection, field] as const),
);

test.each(EACH)(
  "anything at all in %s for %s stops no other message and no other campaign",
  async (collection, field) => {
    const world = await createWorld();
    const samples = Object.values(BSON_TYPES).flatMap((type, n) => fc.sample(type, { numRuns: 3, seed: n }));
    const odd = samples.map((value) => ({
      collection: collection as keyof typeof FIELDS,
      fields: { [field]: value },
    }));
    await survives(world, odd);
  },
);

test("campaigns and sessions that are odd in several ways at once stop no other", async () => {
  const world = await createWorld();
  const odd = fc.oneof(oddIn("campaigns"), oddIn("sessions"));
  await holds(fc.array(odd, { minLength: 30, maxLength: 60 }), 8, (all) => survives(world, all));
}, 120_000);
