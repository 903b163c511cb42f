import { Decimal128, ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import { findOpenCampaigns, openCampaigns, settleCampaigns } from "../lib/campaigns.ts";
import { parseConfig } from "../lib/config.ts";
import { findUncertain, recordFinding, type Uncertain } from "../lib/messages/lookups.ts";
import { openDatabase } from "../lib/mongo/client.ts";
import { type RecordedCommand, recordCommands } from "./support/commands.ts";
import { failCommands } from "./support/fail-commands.ts";
import { jumpingClock } from "./support/jumping-clock.ts";
import { ago, createWorld, heldFor, type World } from "./support/world.ts";

async function openWorld(settings: NodeJS.ProcessEnv = {}) {
  const world = await createWorld({}, settings);
  return { world, db: openDatabase(parseConfig(world.env)) };
}

/** Settles what is open, as the end of a pass does that has sent something. */
async function settleOpen(
  { db }: Pick<Awaited<ReturnType<typeof openWorld>>, "db">,
  { countsFirst = true } = {},
) {
  const open = await findOpenCampaigns(db);
  return (await settleCampaigns(db, open, new Date(), countsFirst)).changed;
}

async function addCampaign(world: World, fields: object = {}): Promise<ObjectId> {
  return (await world.campaigns.insertOne({ name: "Spring", sessionId: "default", ...fields })).insertedId;
}

test("while messages are left the campaign is sending, and when all are sent it is completed", async () => {
  const { world } = await openWorld();
  const campaignId = await addCampaign(world, { status: "scheduled", completedAt: null });
  const [, later] = await world.insert({ campaignId }, { campaignId, scheduledAt: ago(-60) });
  expect(await world.pass()).toMatchObject({ sent: 1, campaignsCompleted: 0 });
  expect(await world.campaigns.findOne({})).toMatchObject({
    status: "sending",
    delivery: { open: true, rev: 1 },
  });
  expect(await world.campaigns.findOne({})).not.toHaveProperty("completedAt");
  await world.messages.updateOne({ _id: later as ObjectId }, { $set: { scheduledAt: ago(1) } });
  expect(await world.pass()).toMatchObject({ sent: 1, campaignsCompleted: 1 });
  expect(await world.campaigns.findOne({})).toMatchObject({
    status: "completed",
    completedAt: expect.any(Date),
    delivery: { open: false, counts: { total: 2, sent: 2, failed: 0, missed: 0, unknown: 0 } },
  });
});

test("one that did not arrive makes it completed with failures; deleted ones do not count", async () => {
  const { world } = await openWorld();
  const campaignId = await addCampaign(world);
  await world.insert(
    { campaignId },
    { campaignId, chatId: "bad" },
    { campaignId, scheduledAt: ago(300) },
    { campaignId, isDeleted: true },
    { campaignId, isSent: true, isPicked: true },
    { campaignId, isPicked: true, delivery: { state: "unknown" } },
  );
  await world.pass();
  expect(await world.campaigns.findOne({})).toMatchObject({
    status: "completed_with_failures",
    delivery: { open: false, counts: { total: 5, sent: 2, failed: 1, missed: 1, unknown: 1 } },
  });
});

/** What still may be sent, or has no known end: with it the campaign is not done. */
const LEFT: [name: string, fields: object][] = [
  ["not due yet", { scheduledAt: ago(-600) }],
  ["claimed", { isPicked: true, delivery: { state: "claimed" } }],
  ["attempting", { isPicked: true, delivery: { state: "attempting" } }],
  ["failed and asked for again", { delivery: { state: "failed" } }],
  ["picked by another scheduler", { isPicked: true }],
  ["lacking a flag", { isPicked: null }],
  ["said to be sent by a text", { isSent: "false" }],
  ["missed, and picked by a text", { isPicked: "false", delivery: { state: "missed" } }],
];

/** Whether a bounded count comes first, or the search for what is left. */
const WAYS: [way: string, options: { countsFirst: boolean }][] = [
  ["counted", { countsFirst: true }],
  ["searched", { countsFirst: false }],
];

describe.each(WAYS)("where messages are %s first", (_way, options) => {
  test.each(LEFT)("a campaign with a message that is %s is not settled", async (_name, fields) => {
    const { world, db } = await openWorld();
    const campaignId = await addCampaign(world);
    await world.insert({ campaignId, ...fields }, { campaignId, isSent: true });
    await openCampaigns(db, [campaignId]);
    expect(await settleOpen({ db }, options)).toBe(0);
    expect(await world.campaigns.findOne({})).toMatchObject({ status: "sending", delivery: { open: true } });
  });

  test("a campaign of which every message has ended is settled with their counts", async () => {
    const { world, db } = await openWorld();
    const campaignId = await addCampaign(world);
    const ended = (state: string) => ({ campaignId, isPicked: true, delivery: { state } });
    const states = ["failed", "missed", "missed", "unknown", "unknown", "unknown", "sent"];
    await world.insert(...states.map(ended), { campaignId, isSent: true }, { campaignId, isDeleted: true });
    await openCampaigns(db, [campaignId]);
    expect(await settleOpen({ db }, options)).toBe(1);
    expect(await world.campaigns.findOne({})).toMatchObject({
      status: "completed_with_failures",
      delivery: { open: false, counts: { total: 8, sent: 2, failed: 1, missed: 2, unknown: 3 } },
    });
  });
});

/** Begins to settle, and comes back while the count is under way, which takes a second for something to happen in. */
async function beginSlowSettlement(world: World, settle: () => Promise<number>, commands: RecordedCommand[]) {
  const slow = { failCommands: ["aggregate"], blockConnection: true, blockTimeMS: 1000 };
  await failCommands(world, { times: 1 }, slow);
  const result = settle();
  await expect.poll(() => commands.some(({ name }) => name === "aggregate"), { interval: 5 }).toBe(true);
  return { result };
}

/** What may happen between the count and the settlement; after each the campaign must not be settled. */
const MEANWHILE: [name: string, update: object][] = [
  ["another pass opened it again: rev guards it", { $inc: { "delivery.rev": 1 } }],
  ["the app paused it", { $set: { status: "paused" } }],
];

test.each(MEANWHILE)("a campaign is not settled by a count after which %s", async (_name, update) => {
  const world = await createWorld();
  const commands = recordCommands(world);
  const config = parseConfig(world.env);
  const db = openDatabase(config);
  const campaignId = await addCampaign(world);
  await world.insert({ campaignId, isSent: true });
  await openCampaigns(db, [campaignId]);
  const settling = await beginSlowSettlement(world, () => settleOpen({ db }), commands);
  await world.campaigns.updateOne({ _id: campaignId }, update);
  expect(await settling.result).toBe(0);
  expect(await world.campaigns.findOne({})).toMatchObject({ delivery: { open: true } });
});

test.each(WAYS)(
  "%s first, a campaign on hold is left alone, and one request sees another's left",
  async (_way, options) => {
    const world = await createWorld();
    const commands = recordCommands(world);
    const config = parseConfig(world.env);
    const db = openDatabase(config);
    const [held, running] = [await addCampaign(world, { status: "paused" }), await addCampaign(world)];
    await world.insert({ campaignId: running }, { campaignId: held, isSent: true });
    await openCampaigns(db, [held, running]);
    const before = await world.campaigns.findOne({ _id: held });
    expect(await settleOpen({ db }, options)).toBe(0);
    expect(await world.campaigns.findOne({ _id: held })).toEqual(before);
    expect(commands.filter(({ name }) => name === "aggregate")).toHaveLength(1);
  },
);

test("campaigns with very much left keep none from being settled that comes behind them", async () => {
  const world = await createWorld();
  const commands = recordCommands(world);
  const db = openDatabase(parseConfig(world.env));
  const [larger, large, done] = [
    await addCampaign(world),
    await addCampaign(world),
    await addCampaign(world),
  ];
  for (const [campaignId, length] of [[larger, 5_000] as const, [large, 1_100] as const])
    await world.insert(...Array.from({ length }, () => ({ campaignId })));
  const unknown = { isPicked: true, delivery: { state: "unknown" } };
  await world.insert({ campaignId: done, isSent: true }, { campaignId: done, ...unknown });
  await openCampaigns(db, [larger, large, done]);
  expect(await settleOpen({ db })).toBe(1);
  expect(await world.campaigns.findOne({ _id: done })).toMatchObject({
    status: "completed_with_failures",
    delivery: { counts: { total: 2, sent: 1, unknown: 1 } },
  });
  const sending = { status: "sending", delivery: { open: true } };
  expect(await world.campaigns.find({ _id: { $ne: done } }).toArray()).toMatchObject([sending, sending]);
  // A count that shows the first to be far from done, a search over the others, one for the last, and its count.
  expect(commands.filter(({ name }) => name === "aggregate")).toHaveLength(4);
});

test("a campaign of more messages than are counted at once is settled with all of them", async () => {
  const { world, db } = await openWorld();
  const campaignId = await addCampaign(world);
  const ended = { isPicked: true, delivery: { state: "failed" } };
  await world.insert(...Array.from({ length: 5_100 }, () => ({ campaignId, isSent: true })), {
    campaignId,
    ...ended,
  });
  await openCampaigns(db, [campaignId]);
  expect(await settleOpen({ db })).toBe(1);
  expect(await world.campaigns.findOne({})).toMatchObject({
    delivery: { counts: { total: 5_101, sent: 5_100, failed: 1 } },
  });
});

/** The requests that look at the messages of several campaigns at once, as texts. */
function searchesByCampaign(commands: RecordedCommand[]): string[] {
  return commands
    .map(({ command }) => JSON.stringify(command))
    .filter((text) => text.includes('"$indexOfArray"'));
}

test("few messages of several campaigns are counted by one request where something was sent", async () => {
  const world = await createWorld();
  const commands = recordCommands(world);
  const campaigns = [await addCampaign(world), await addCampaign(world)];
  await world.insert(...campaigns.map((campaignId) => ({ campaignId })));
  expect(await world.pass()).toMatchObject({ sent: 2, campaignsCompleted: 2 });
  expect(searchesByCampaign(commands)).toHaveLength(1);
});

test("a pass in which nothing is sent searches for what is left, and counts nothing", async () => {
  const world = await createWorld();
  const campaignId = await addCampaign(world, { delivery: { open: true, rev: 1 } });
  await world.insert({ campaignId, scheduledAt: ago(-600) }, { campaignId, isSent: true });
  const commands = recordCommands(world);
  expect(await world.pass()).toMatchObject({ ok: true, campaignsCompleted: 0 });
  expect(searchesByCampaign(commands)).toEqual([expect.stringContaining('"$nor"')]);
});

test("a campaign that the last sweep of a pass opens is settled by that pass", async () => {
  const { world } = await openWorld({ PASS_SECONDS: "10", TAIL_SECONDS: "3" });
  await heldFor(world, 60);
  const campaignId = await addCampaign(world);
  await world.insert({ campaignId, scheduledAt: ago(119) });
  expect(await world.pass()).toMatchObject({ missed: 1, campaignsCompleted: 1 });
});

test("campaigns that could not be found at first are settled all the same", async () => {
  const { world } = await openWorld();
  const campaignId = await addCampaign(world, { delivery: { open: true, rev: 1 } });
  await world.insert({ campaignId, isSent: true });
  const failing = { failCommands: ["find"], namespace: `${world.db.databaseName}.campaigns`, errorCode: 2 };
  await failCommands(world, { times: 1 }, failing);
  const summary = await (await world.call()).json();
  expect(summary).toMatchObject({
    ok: false,
    campaignsCompleted: 1,
    errors: [{ code: "database_refused", count: 1 }],
  });
});

test("a database that hangs as campaigns are found again ends that step, and the pass says what it sent", async () => {
  const { world } = await openWorld();
  const campaignId = await addCampaign(world);
  await world.insert({ campaignId });
  const answer = world.waha.addFault({ match: { route: "sendText" }, action: { type: "delay", ms: 60_000 } });
  const hanging = { failCommands: ["find"], blockConnection: true, blockTimeMS: 5_000 };
  const namespace = `${world.db.databaseName}.campaigns`;
  // After the open campaigns, and the message's own, were found.
  await failCommands(world, { skip: 2 }, { ...hanging, namespace });
  const hostClock = jumpingClock();
  const calling = world.call("", { hostClock });
  await world.waha.received("sendText", 1);
  hostClock.jump(58_500);
  answer();
  const summary = await (await calling).json();
  expect(summary).toMatchObject({
    sent: 1,
    campaignsCompleted: 0,
    errors: [{ code: "database_unreachable" }],
  });
});

test("of two campaigns that have the two forms of one id neither is settled while messages name either", async () => {
  const { world, db } = await openWorld();
  const _id = new ObjectId();
  for (const form of [_id, _id.toHexString(), _id.toHexString().toUpperCase()])
    await addCampaign(world, { _id: form as never });
  await world.insert({ campaignId: _id }, { campaignId: _id.toHexString(), isSent: true });
  await openCampaigns(db, [_id, _id.toHexString(), _id.toHexString().toUpperCase() as never]);
  expect(await settleOpen({ db })).toBe(0);
  await world.messages.updateMany({}, { $set: { isSent: true } });
  expect(await settleOpen({ db })).toBe(3);
  const counts = (await world.campaigns.find({}).toArray()).map(({ delivery }) => delivery.counts.total);
  expect(counts).toEqual([2, 2, 1]);
});

test("a campaign is known by a number of another type, and in a list of campaigns", async () => {
  const { world, db } = await openWorld();
  const [_id, listed] = [Decimal128.fromString("7"), new ObjectId()];
  await addCampaign(world, { _id: _id as never });
  await addCampaign(world, { _id: listed as never });
  await world.insert({ campaignId: 7, isSent: true }, { campaignId: [listed, "x"] });
  await openCampaigns(db, [_id, listed]);
  expect(await settleOpen({ db })).toBe(1);
  expect(await world.campaigns.findOne({ _id: listed as never })).toMatchObject({ status: "sending" });
});

describe("a deleted campaign", () => {
  const deletable = { DOCUMENTS: '{"campaigns": {"deleted": "isDeleted"}}' };

  test.each(["claimed", "attempting"])(
    "stays open while a message of it is %s, and is closed after",
    async (state) => {
      const { world, db } = await openWorld(deletable);
      const campaignId = await addCampaign(world);
      await world.insert({ campaignId, isPicked: true, isDeleted: true, delivery: { state } });
      await openCampaigns(db, [campaignId]);
      await world.campaigns.updateOne({}, { $set: { isDeleted: true } });
      await settleOpen({ db });
      expect(await world.campaigns.findOne({})).toMatchObject({
        delivery: { open: true, checkedAt: expect.any(Date) },
      });
      await world.messages.updateOne({}, { $set: { "delivery.state": "sent" } });
      expect(await settleOpen({ db })).toBe(0);
      const closed = await world.campaigns.findOne({});
      expect(closed?.delivery).toEqual({ open: false, rev: 1, settledAt: expect.any(Date) });
      expect(closed?.status).toBe("sending");
    },
  );

  test.each<[string, object]>([
    ["was opened again", { $inc: { "delivery.rev": 1 } }],
    ["was restored", { $set: { isDeleted: false } }],
  ])("is not closed if it %s since it was looked at", async (_name, update) => {
    const { world, db } = await openWorld(deletable);
    const campaignId = await addCampaign(world, { isDeleted: true });
    await openCampaigns(db, [campaignId]);
    const open = await findOpenCampaigns(db);
    await world.campaigns.updateOne({}, update);
    await settleCampaigns(db, open, new Date(), true);
    expect(await world.campaigns.findOne({})).toMatchObject({ delivery: { open: true } });
  });
});

test("new messages open a finished campaign again, and it is counted anew", async () => {
  const { world } = await openWorld();
  const campaignId = await addCampaign(world);
  await world.insert({ campaignId });
  await world.pass();
  await world.insert({ campaignId });
  await world.pass();
  expect(await world.campaigns.findOne({})).toMatchObject({
    status: "completed",
    delivery: { rev: 2, counts: { total: 2, sent: 2 } },
  });
});

test("a campaign put on hold while it sends keeps the app's word, and is settled when it is resumed", async () => {
  const { world, db } = await openWorld();
  const campaignId = await addCampaign(world, { status: "paused" });
  await world.insert({ campaignId, isSent: true });
  await openCampaigns(db, [campaignId]);
  expect(await settleOpen({ db })).toBe(0);
  expect(await world.campaigns.findOne({})).toMatchObject({ status: "paused", delivery: { open: true } });
  await world.campaigns.updateOne({}, { $set: { status: "sending" } });
  expect(await world.pass()).toMatchObject({ campaignsCompleted: 1 });
});

test("the words are the app's own, and an empty one is not written", async () => {
  const { world } = await openWorld({
    DOCUMENTS: JSON.stringify({ campaigns: { sending: null, completedWord: "DONE" } }),
  });
  const campaignId = await addCampaign(world, { status: "ACTIVE" });
  const other = await addCampaign(world, { status: "ACTIVE" });
  await world.insert({ campaignId }, { campaignId: other }, { campaignId: other, scheduledAt: ago(-60) });
  await world.pass();
  expect(await world.campaigns.findOne({ _id: campaignId })).toMatchObject({ status: "DONE" });
  expect(await world.campaigns.findOne({ _id: other })).toMatchObject({
    status: "ACTIVE",
    delivery: { open: true },
  });
});

test("a settlement that a validation rule turns away stops no other, and is told", async () => {
  const { world } = await openWorld();
  const [odd, good] = [await addCampaign(world, { name: "odd" }), await addCampaign(world)];
  await world.insert({ campaignId: odd }, { campaignId: good });
  const validator = { $or: [{ name: { $ne: "odd" } }, { status: { $ne: "completed" } }] };
  await world.db.command({ collMod: "campaigns", validator });
  expect(await world.pass()).toMatchObject({
    ok: false,
    sent: 2,
    campaignsCompleted: 1,
    errors: [{ code: "database_refused", count: 1 }],
  });
  expect(await world.campaigns.findOne({ _id: good })).toMatchObject({ status: "completed" });
  expect(await world.campaigns.findOne({ _id: odd })).toMatchObject({ delivery: { open: true } });
});

test("a campaign that a validation rule keeps from being postponed stops no other, and is told", async () => {
  const { world } = await openWorld();
  const delivery = { open: true, rev: 1 };
  const [odd, good] = [
    await addCampaign(world, { name: "odd", delivery }),
    await addCampaign(world, { delivery }),
  ];
  await world.insert(...[odd, good].map((campaignId) => ({ campaignId, scheduledAt: ago(-3600) })));
  await world.db.command({ collMod: "campaigns", validator: { name: { $ne: "odd" } } });
  expect(await world.pass()).toMatchObject({ errors: [{ code: "database_refused", count: 1 }] });
  expect(await world.campaigns.findOne({ _id: good })).toMatchObject({
    delivery: { checkedAt: expect.any(Date) },
  });
});

test("a delivery of the wrong shape is put right by the touch", async () => {
  const { world, db } = await openWorld();
  const ids = [];
  for (const delivery of [null, "x", { rev: "y" }]) ids.push(await addCampaign(world, { delivery }));
  await openCampaigns(db, ids);
  for (const id of ids)
    expect(await world.campaigns.findOne({ _id: id })).toMatchObject({ delivery: { open: true, rev: 1 } });
});

test("a finished campaign is settled however many others are touched by every pass", async () => {
  const world = await createWorld();
  const busy = Array.from({ length: 100 }, () => new ObjectId());
  await world.campaigns.insertMany(busy.map((_id) => ({ _id })));
  const done = await addCampaign(world);
  await world.insert(...busy.map((campaignId) => ({ campaignId, scheduledAt: ago(-3600) })), {
    campaignId: done,
  });
  for (let pass = 0; pass < 3; pass += 1) {
    await world.insert(...busy.map((campaignId) => ({ campaignId, sessionId: "default" })));
    await world.pass();
  }
  expect(await world.campaigns.findOne({ _id: done })).toMatchObject({ status: "completed" });
});

test("what a pass that died found out about an unknown message is counted by the next one", async () => {
  const world = await createWorld();
  const config = parseConfig(world.env);
  const db = openDatabase(config);
  const campaignId = await addCampaign(world);
  const delivery = {
    state: "unknown",
    passId: "p",
    attempts: 1,
    attemptAt: ago(900),
    nextLookupAt: ago(1),
    session: "default",
    chatId: "4917@c.us",
    waMessageId: "X",
  };
  await world.insert({ campaignId, isPicked: true, delivery });
  const [uncertain] = await findUncertain(db, new Date(), 1);
  await openCampaigns(db, [campaignId]);
  await settleOpen({ db });
  expect(await world.campaigns.findOne({})).toMatchObject({
    delivery: { open: false, counts: { unknown: 1 } },
  });
  // The pass that recorded this died right after.
  await recordFinding(db, uncertain as Uncertain, { to: "sent" }, new Date());
  await world.pass();
  expect(await world.campaigns.findOne({})).toMatchObject({
    status: "completed",
    delivery: { open: false, counts: { sent: 1 } },
  });
  expect((await world.messages.findOne({}))?.delivery).not.toHaveProperty("nextLookupAt");
});
