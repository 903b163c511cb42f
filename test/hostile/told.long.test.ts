import fc from "fast-check";
import type { Document } from "mongodb";
import { describe, expect, test } from "vitest";
import { backgroundDone } from "../../lib/async.ts";
import type { Summary } from "../../lib/monitoring/report.ts";
import { ago, type World } from "../support/world.ts";
import { APP_NAMES, APPS, type App, mappedFields } from "./apps.ts";
import { insertRaw, RawValue } from "./raw-bson.ts";
import { holds } from "./seeds.ts";
import { anyValue, BSON_TYPES, withFields } from "./values.ts";

/*
 * Every message that is due is sent or told: on itself, or by the pass in the count of a code. Whatever stands in its
 * fields, whatever the collection's collation, and whatever its validation rule turns away.
 */

const FIXED = [
  "_id",
  "scheduledAt",
  "isSent",
  "isDeleted",
  "isPicked",
  "sentAt",
  "delivery",
  "delivery.state",
];

type Odd = Record<string, unknown>;

function oddFields({ names }: App): fc.Arbitrary<Odd> {
  const field = fc.constantFrom(...FIXED, ...mappedFields(names));
  // In a document for an id the driver may read anything as something else.
  const isFair = ([name, value]: [string, unknown]) =>
    name !== "_id" || !(value instanceof RawValue && value.type === 3);
  return fc
    .uniqueArray(fc.tuple(field, anyValue).filter(isFair), {
      minLength: 1,
      maxLength: 2,
      selector: ([name]) => name,
    })
    .map((entries) => Object.fromEntries(entries));
}

/** A new world's collections, which compare as their collation says. */
async function startAnew(app: App, world: World, isCollated: boolean): Promise<void> {
  await backgroundDone();
  await world.database.drop();
  const collation = isCollated ? { collation: { locale: "en", strength: 1 } } : {};
  await world.db.createCollection(app.names.messages.collection, collation);
  await app.prepare(world);
}

/** What tells a message apart, should one be silent. */
const SEEN = Object.fromEntries(
  ["_id", "scheduledAt", "delivery", "delivery.state", "delivery.error.code"].map((field) => [
    field.replaceAll(".", "_"),
    { $type: `$${field}` },
  ]),
);

/** Messages that are due and of which nothing says what becomes of them, by why that may be. */
async function findSilent({ messages }: World): Promise<{ code: string; count: number; seen: unknown }[]> {
  const now = new Date();
  const isNo = (type: string, field: string): Document => ({ $ne: [{ $type: field }, type] });
  // A query sees a flag in a list, too.
  const itemsOf = (flag: string) => ({ $cond: [{ $isArray: flag }, flag, [flag]] });
  const isNoFlag = (flag: string): Document => ({
    $or: [
      { $eq: [itemsOf(flag), []] },
      { $anyElementTrue: { $map: { input: itemsOf(flag), in: isNo("bool", "$$this") } } },
    ],
  });
  const noFlag = { $or: ["$isSent", "$isDeleted", "$isPicked"].map(isNoFlag) };
  // biome-ignore-start lint/suspicious/noThenProperty: $switch has it
  const branches = [
    { case: noFlag, then: "flags_missing" },
    { case: isNo("date", "$scheduledAt"), then: "date_wrong" },
    { case: { $lt: ["$scheduledAt", ago(86_390)] }, then: "never_picked" },
  ];
  // biome-ignore-end lint/suspicious/noThenProperty: $switch has it
  const found = await messages
    .aggregate([
      {
        $match: {
          isSent: { $ne: true },
          isDeleted: { $ne: true },
          isPicked: { $ne: true },
          $nor: [
            { scheduledAt: null },
            { scheduledAt: { $gt: now } },
            { "delivery.state": { $in: ["missed", "failed", "unknown", "sent"] } },
            { "delivery.state": "released", "delivery.error.code": { $type: "string" } },
          ],
        },
      },
      {
        $group: {
          _id: { $switch: { branches, default: "invalid_message" } },
          count: { $sum: 1 },
          seen: { $push: SEEN },
        },
      },
    ])
    .toArray();
  return found.map(({ _id, count, seen }) => ({ code: String(_id), count: Number(count), seen }));
}

/** As if three and a half minutes went by. */
async function age({ messages }: World): Promise<void> {
  const isDue = {
    scheduledAt: { $gte: ago(120), $lte: new Date() },
    $expr: { $eq: [{ $type: "$scheduledAt" }, "date"] },
  };
  await messages.updateMany(isDue, [{ $set: { scheduledAt: { $subtract: ["$scheduledAt", 210_000] } } }]);
}

async function isSentOrTold(app: App, world: World, odd: Odd[], isCollated: boolean): Promise<void> {
  const { collection, content } = app.names.messages;
  await startAnew(app, world, isCollated);
  const seen = world.waha.ledger.length;
  const documents = odd.map((fields, n) => withFields(app.message({ [content]: `odd ${n}` }), fields));
  await insertRaw(world.database.url, collection, documents);
  await world.pass();
  await age(world);
  const { errors } = await world.pass();
  const texts = world.waha.ledger.slice(seen).map(({ text }) => text);
  expect(new Set(texts).size).toBe(texts.length);
  const told = Object.fromEntries(errors.map(({ code, count }) => [code, count]));
  for (const { code, count, seen } of await findSilent(world))
    expect(
      told[code] ?? 0,
      `${code} of ${JSON.stringify(seen)}: ${JSON.stringify(told)}`,
    ).toBeGreaterThanOrEqual(count);
}

describe.each(APP_NAMES)("a message of %s", (name) => {
  const app = APPS[name];

  test.each(name === "plain" ? [...FIXED, ...mappedFields(app.names)] : mappedFields(app.names))(
    "is sent or told with anything at all for %s",
    async (field) => {
      const world = await app.world();
      const values = Object.values(BSON_TYPES).flatMap((type, seed) => fc.sample(type, { numRuns: 3, seed }));
      await isSentOrTold(
        app,
        world,
        values.map((value) => ({ [field]: value })),
        false,
      );
    },
  );

  test("is sent or told with several odd fields, by whatever collation", async () => {
    const world = await app.world();
    const odd = fc.tuple(fc.array(oddFields(app), { minLength: 20, maxLength: 50 }), fc.boolean());
    await holds(odd, 6, ([all, isCollated]) => isSentOrTold(app, world, all, isCollated));
  }, 120_000);
});

/** What passes write on messages of an app. */
function writtenOn({ names }: App): string[] {
  const own = ["isSent", "isPicked", "sentAt", "delivery"];
  const ofDelivery = [
    "state",
    "passId",
    "claimedAt",
    "claimExpiresAt",
    "attempts",
    "attemptAt",
    "session",
    "chatId",
  ];
  const later = ["nextLookupAt", "settledAt", "error", "waMessageId"].map((field) => `delivery.${field}`);
  const shown = [names.messages.failed, names.messages.failedReason].filter((field) => field !== null);
  return [...own, ...ofDelivery.map((field) => `delivery.${field}`), ...later, ...shown];
}

/** A rule that turns away every document in which one of the fields is other than the app has written it. */
function ruleAgainst(fields: string[]): Document {
  return {
    $nor: fields.map((field) =>
      /^is[A-Z]/.test(field) ? { [field]: true } : { [field]: { $exists: true } },
    ),
  };
}

async function isToldWhereRefused(app: App, world: World, fields: string[]): Promise<void> {
  const { collection, content } = app.names.messages;
  await startAnew(app, world, false);
  await world.db.command({ collMod: collection, validator: ruleAgainst(fields) });
  const seen = world.waha.ledger.length;
  const count = 4;
  const messages = Array.from({ length: count }, (_, n) =>
    app.message({ [content]: n === 1 ? " " : `text ${n}`, scheduledAt: ago(40 - n) }),
  );
  await world.messages.insertMany(messages);
  const summaries: Summary[] = [];
  for (let pass = 0; pass < 2; pass += 1) summaries.push(await world.pass());
  const texts = world.waha.ledger.slice(seen).map(({ text }) => text);
  expect(new Set(texts).size).toBe(texts.length);
  const stored = await world.messages.find({}).toArray();
  const isRecorded = (message: Document) => message.isSent === true || message.delivery?.state === "sent";
  const posted = stored.filter((message) => texts.includes(message[content]));
  // What went out unrecorded is one message a pass at most, and no pass that met it is ok.
  expect(posted.filter((message) => message.isSent !== true).length).toBeLessThanOrEqual(summaries.length);
  const open = stored.filter((message) => !isRecorded(message) && message.delivery?.state !== "failed");
  const isToldBy = ({ errors, ok }: Summary) => !ok && errors.some(({ code }) => code === "database_refused");
  if (open.length > 0 || posted.some((message) => message.isSent !== true))
    expect(summaries.map(isToldBy)).toContain(true);
}

test.each(APP_NAMES)(
  "whatever a rule turns away of %s, it is told, and nothing is sent twice",
  async (name) => {
    const app = APPS[name];
    const world = await app.world();
    const fields = fc.uniqueArray(fc.constantFrom(...writtenOn(app)), { minLength: 1, maxLength: 3 });
    await holds(fields, 10, (refused) => isToldWhereRefused(app, world, refused));
  },
  180_000,
);
