import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { Document, ObjectId } from "mongodb";
import { BSON, Decimal128, Long, UUID } from "mongodb";
import { beforeEach, expect, test } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { groupCommit } from "../../lib/messages/group-commit.ts";
import { apart, type Joint, joined } from "../../lib/messages/statements.ts";
import {
  type ClaimedMessage,
  deferred,
  failed,
  failedAfterAll,
  intent,
  invalid,
  ownPart,
  released,
  returned,
  sent,
  type Transition,
  unknown,
  unproven,
  unreleasable,
} from "../../lib/messages/transitions.ts";
import { type Database, openDatabase } from "../../lib/mongo/client.ts";
import { holds } from "../hostile/seeds.ts";
import { claimFor } from "../support/claims.ts";
import { type RecordedCommand, recordCommands } from "../support/commands.ts";
import { ago, createWorld, type World } from "../support/world.ts";

const NAMES = MAPPINGS.plain.messages;
const REASON = { code: "session_not_working", detail: "$not a field" } as const;

let world: World;
let db: Database;
let commands: RecordedCommand[];

beforeEach(async () => {
  world = await createWorld();
  commands = recordCommands(world);
  db = openDatabase(parseConfig(world.env));
});

async function claimed(...messages: Document[]): Promise<ClaimedMessage[]> {
  const ids = await world.insert(...messages);
  const found = await claimFor(db, "A", ids);
  return ids.flatMap((id) => found.filter(({ _id }) => id.equals(_id as ObjectId)));
}

const intentOf = (message: ClaimedMessage, { hasId = true } = {}) =>
  intent(NAMES, message, {
    session: "$default",
    chatId: String(message.chatId),
    waMessageId: hasId ? String(message._id) : undefined,
    at: new Date(),
    reconcileAfterSeconds: 120,
    receiptsUntil: ago(-1000),
  });

const statements = () => commands.flatMap(({ command, name }) => (name === "update" ? command.updates : []));

test("twenty intents are one statement, their outcomes another", async () => {
  const fieldsOf = (place: number) => ({
    content: `$text ${place}`,
    delivery: { state: "released", attempts: place },
  });
  const messages = await claimed(...Array.from({ length: 20 }, (_, place) => fieldsOf(place)));
  const commit = groupCommit(db);
  commands.length = 0;
  const intents = await Promise.all(messages.map((message) => commit(intentOf(message))));
  const outcomes = await Promise.all(
    messages.map((message) => commit(sent(NAMES, message, new Date(), undefined))),
  );
  expect(new Set([...intents, ...outcomes])).toEqual(new Set(["applied"]));
  expect(statements()).toHaveLength(2);
  for (const [place, { _id }] of messages.entries())
    expect((await world.find(_id)).delivery).toMatchObject({
      state: "sent",
      attempts: place + 1,
      session: "$default",
      waMessageId: String(_id),
    });
});

test("what differs in more than its values has a statement of its own", async () => {
  const [a, b, c, d] = (await claimed({}, {}, { media: null }, { sessionId: "s" })) as [
    ClaimedMessage,
    ClaimedMessage,
    ClaimedMessage,
    ClaimedMessage,
  ];
  const at = new Date();
  const writes = [intentOf(a), intentOf(b), intentOf(c, { hasId: false }), intentOf(d)];
  expect(joined(writes).map((joint) => joint.writes)).toEqual([
    [writes[0], writes[1]],
    [writes[2]],
    [writes[3]],
  ]);
  const outcomes = [sent(NAMES, a, at, "x"), sent(NAMES, b, at, "x", "unknown"), released(c, at, REASON)];
  expect(joined(outcomes)).toHaveLength(3);
});

test("two writes of one message are two statements, as a statement changes each once", async () => {
  const [message] = (await claimed({})) as [ClaimedMessage];
  const again = { ...message, delivery: { ...message.delivery, claimedAt: ago(1) } };
  const writes = [released(again, ago(2), REASON), released(message, ago(0), REASON)];
  expect(joined(writes)).toHaveLength(2);
  const commit = groupCommit(db);
  expect(await Promise.all(writes.map(commit))).toEqual(["stale", "applied"]);
});

test.each([
  ["UUIDs", [new UUID(), new UUID(), new UUID()]],
  ["texts", ["a", "A", "$a"]],
  ["numbers", [0, 1.5, -2]],
  ["long numbers", [Long.MAX_VALUE, Long.MIN_VALUE, Long.fromString("9007199254740993")]],
  ["decimals", ["1", "2", "NaN"].map((text) => Decimal128.fromString(text))],
])("messages whose ids are %s share a statement", async (_name, ids) => {
  await world.insert(...ids.map((_id) => ({ _id })));
  const messages = await claimFor(db, "A", ids);
  const [edited, ...others] = messages as [ClaimedMessage, ...ClaimedMessage[]];
  await world.messages.updateOne({ _id: edited._id as never }, { $set: { content: "other" } });
  const writes = messages.map((message) => intentOf(message));
  expect(joined(writes)).toHaveLength(1);
  expect(await Promise.all(writes.map(groupCommit(db)))).toEqual(["stale", "applied", "applied"]);
  for (const { _id } of others)
    expect((await world.find(_id)).delivery).toMatchObject({ attempts: 1, waMessageId: String(_id) });
});

test("the longest texts of many sessions fit", async () => {
  const content = "€".repeat(65_536);
  const messages = await claimed(...Array.from({ length: 100 }, () => ({ content })));
  const commit = groupCommit(db);
  const results = await Promise.all(messages.map((message) => commit(intentOf(message))));
  expect(new Set(results)).toEqual(new Set(["applied"]));
  const [first] = joined(messages.map((message) => intentOf(message))) as [Joint];
  expect(BSON.calculateObjectSize(first.statement)).toBeLessThan(16 * 2 ** 20);
});

test("of joined writes one that is turned away stops no other, before it or after it", async () => {
  const contents = ["a", "strict", "b", "strict", "c"];
  const messages = await claimed(...contents.map((content) => ({ content })));
  const validator = { $or: [{ content: { $ne: "strict" } }, { "delivery.state": { $ne: "attempting" } }] };
  await world.db.command({ collMod: "messages", validator });
  const commit = groupCommit(db);
  const results = await Promise.all(messages.map((message) => commit(intentOf(message))));
  expect(results).toEqual(["applied", "rejected", "applied", "rejected", "applied"]);
  for (const [place, { _id }] of messages.entries())
    expect((await world.find(_id)).delivery).toMatchObject(
      contents[place] === "strict" ? { state: "claimed", attempts: 0 } : { state: "attempting", attempts: 1 },
    );
});

const at = ago(0);

/** The writes of a pass on one message. */
const KINDS: Record<string, (message: ClaimedMessage) => Transition> = {
  intent: (message) => intentOf(message),
  "intent without an id": (message) => intentOf(message, { hasId: false }),
  invalid: (message) => invalid(NAMES, message, at, REASON),
  returned: (message) => returned(message, at, REASON),
  released: (message) => released(message, at, REASON),
  deferred: (message) => deferred(message, at, REASON),
  sent: (message) => sent(NAMES, message, at, "$ID"),
  "sent after all": (message) => sent(NAMES, message, at, undefined, "unknown"),
  failed: (message) => failed(NAMES, message, at, REASON),
  unproven: (message) => unproven(message, at, REASON),
  unknown: (message) => unknown(NAMES, message, at, REASON),
  "failed after all": (message) => failedAfterAll(NAMES, message, at, REASON),
  unreleasable: (message) => unreleasable(NAMES, message, at),
  "sent in delivery alone": (message) => {
    const write = sent(NAMES, message, at, "$ID");
    return { ...write, update: ownPart(write.update, "sent", at) };
  },
};

const ofMessage = fc.record({
  content: fc.constantFrom("a", "$a", "", "€".repeat(100)),
  chatId: fc.constantFrom("49@c.us", "$chatId", null, undefined),
  campaignId: fc.constantFrom("c1", "c2", null),
  media: fc.constantFrom(undefined, { kind: "image", url: "http://a" }, { kind: "image", url: "http://b" }),
});

/** What may have become of a message since it was claimed. */
const EDITS: [field: string, values: unknown[]][] = [
  ["delivery", [null, [], [{ state: "claimed", passId: "A" }], "text"]],
  ["delivery.state", ["attempting", "unknown", "sent", "released"]],
  ["delivery.provenAt", [ago(1), "text"]],
  ["delivery.claimExpiresAt", [ago(1), null]],
  ["delivery.receipt", ["delivered", "refused", null]],
  ["delivery.claimedAt", [ago(500), null]],
  ["delivery.passId", ["B", null, 1]],
  ["delivery.attempts", [3, 0]],
  ["isSent", [true, null, 0]],
  ["isDeleted", [true, null]],
  ["content", ["b", "$a", null, ["a"]]],
  ["chatId", ["50@c.us", "$chatId", null, ["49@c.us"]]],
  ["campaignId", ["c3", null, ["c1"]]],
  ["media", [null, { kind: "image", url: "http://b" }, "http://a"]],
  ["scheduledAt", [ago(77), null]],
];
const edit = fc.oneof(
  ...EDITS.map(([field, values]) => fc.constantFrom(...values).map((value) => ({ [field]: value }))),
);
const since = fc.oneof(fc.constant({}), edit, edit);

const aMessage = fc.tuple(ofMessage, fc.constantFrom("claimed", "attempting", "unknown", "released"), since);

test("joined writes do to each message what they do by themselves", async () => {
  const cases = fc.tuple(fc.constantFrom(...Object.keys(KINDS)), fc.array(aMessage, { minLength: 2 }));
  let changed = 0;
  await holds(cases, 30, async ([kind, messages]) => {
    await world.messages.deleteMany({});
    const found = await claimed(...messages.map(([fields]) => fields));
    const writes = found.map(KINDS[kind] as (typeof KINDS)[string]);
    for (const [place, { _id }] of found.entries()) {
      const [, state, edit] = messages[place] as (typeof messages)[number];
      const $set = "delivery" in edit ? edit : { "delivery.state": state, ...edit };
      await world.messages.updateOne({ _id: _id as ObjectId }, { $set });
    }
    const before = await world.messages.find().toArray();
    await run(apart(writes));
    const expected = await world.messages.find().sort({ _id: 1 }).toArray();
    await world.messages.deleteMany({});
    await world.messages.insertMany(before);
    await run(joined(writes));
    expect(await world.messages.find().sort({ _id: 1 }).toArray()).toEqual(expected);
    const then = new Map(before.map((message) => [String(message._id), message]));
    changed += expected.filter(
      (message) => !isDeepStrictEqual(message, then.get(String(message._id))),
    ).length;
  });
  expect(changed).toBeGreaterThan(20);
});

async function run(joints: Joint[]): Promise<void> {
  const writes = joints.map(({ statement }) => ({ updateMany: statement }));
  await db.messages.bulkWrite(writes as Parameters<typeof db.messages.bulkWrite>[0]);
}
