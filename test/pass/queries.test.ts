import { ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { pointOf } from "../../dev/chaos/database/points.ts";
import { backgroundDone } from "../../lib/async.ts";
import { CAMPAIGN_INDEXES } from "../../lib/campaigns.ts";
import { type SystemClock, systemClock } from "../../lib/clock.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { expectServedByIndexes, recordCommands, recordRounds } from "../support/commands.ts";
import { failCommands } from "../support/fail-commands.ts";
import { ago, createWorld, message, type World } from "../support/world.ts";

/** Thousands of messages that no pass should ever look at, and the indexes. */
async function fill(world: World): Promise<void> {
  await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
  await world.campaigns.createIndexes(CAMPAIGN_INDEXES);
  const campaignId = new ObjectId();
  const sent = { isSent: true, isPicked: true, sentAt: ago(9000), delivery: { state: "sent" } };
  await world.messages.insertMany([
    ...Array.from({ length: 3000 }, (_, n) => message({ ...sent, campaignId, scheduledAt: ago(9000 + n) })),
    ...Array.from({ length: 1000 }, (_, n) => message({ campaignId, scheduledAt: ago(-9000 - n) })),
  ]);
  await world.campaigns.insertMany(
    Array.from({ length: 500 }, () => ({
      name: "done",
      status: "completed",
      delivery: { open: false, rev: 1 },
    })),
  );
  await world.sessions.insertMany(Array.from({ length: 100 }, (_, n) => ({ name: `s${n}` })));
}

/** One message for each thing that a pass can do. */
async function busy(world: World): Promise<void> {
  const campaign = await world.campaigns.insertOne({ name: "live", sessionId: "default" });
  const paused = await world.campaigns.insertOne({ name: "paused", status: "paused", sessionId: "default" });
  const claimed = { state: "claimed", passId: "dead", claimedAt: ago(90), claimExpiresAt: ago(40) };
  const attempt = {
    passId: "dead",
    attemptAt: ago(700),
    session: "default",
    chatId: "491701@c.us",
    attempts: 1,
  };
  await world.insert(
    { campaignId: campaign.insertedId },
    { campaignId: paused.insertedId },
    { campaignId: campaign.insertedId, chatId: "bad" },
    { sessionId: "nowhere" },
    { isPicked: true, campaignId: campaign.insertedId, delivery: claimed },
    { scheduledAt: ago(300), campaignId: campaign.insertedId },
    { scheduledAt: ago(300), delivery: { state: "released", error: { code: "pass_died" } } },
    { scheduledAt: ago(50), delivery: { state: "unknown" } },
    { isPicked: true, delivery: { ...attempt, state: "attempting", waMessageId: "A", nextLookupAt: ago(1) } },
    { isPicked: true, delivery: { ...attempt, state: "attempting", nextLookupAt: ago(1) } },
    { isPicked: true },
    { isDeleted: null },
  );
}

test("no command of a pass scans a collection, idle or busy", async () => {
  const world = await createWorld();
  await fill(world);
  const commands = recordCommands(world);
  await world.pass();
  await busy(world);
  const summary = await world.pass();
  world.env.STAY_SECONDS = "2";
  await world.pass();
  await backgroundDone();
  const looks = commands.filter(({ command }) => command.filter?.scheduledAt?.$gt instanceof Date);
  expect(looks.length).toBeGreaterThan(0);
  expect(summary).toMatchObject({ sent: 2, failed: 1, missed: 2, unknown: 2, rescued: 1 });
  const queries = commands.filter(({ name }) => ["find", "aggregate", "update"].includes(name));
  expect(queries.length).toBeGreaterThan(20);
  // The scheduler's own collection holds a document a session: by _id alone, or not at all.
  await expectServedByIndexes(world, queries);
});

/** A pass that takes long, as on a busy machine, looks once more at its end; by this clock it takes no time. */
function stoppedClock(): SystemClock {
  const at = systemClock.monotonic();
  return { ...systemClock, monotonic: () => at };
}

test("an idle pass makes at most eight requests to the database and two to WAHA", async () => {
  const world = await createWorld();
  await fill(world);
  await world.pass();
  const commands = recordCommands(world);
  await world.pass();
  // The first pass of all finds a session that works, and so reads what is remembered, behind its answer.
  await backgroundDone();
  commands.length = 0;
  const before = world.waha.requestCount();
  await world.pass({ hostClock: stoppedClock() });
  await backgroundDone();
  expect(commands.map(({ name, collection }) => `${name} ${collection}`)).toHaveLength(8);
  expect(world.waha.requestCount() - before).toBe(2);
});

test("an idle pass waits for the database three times: for its time, for all it looks for, for its record", async () => {
  const world = await createWorld();
  await fill(world);
  await world.pass();
  const rounds = recordRounds(world);
  await world.pass();
  await backgroundDone();
  rounds.length = 0;
  await world.pass({ hostClock: stoppedClock() });
  await backgroundDone();
  expect(rounds).toEqual([1, 6, 1]);
});

test("what the first POST waits for is asked for first", async () => {
  const world = await createWorld({}, { WAHA_WEBHOOK_KEY: "a-made-up-webhook-key" });
  await world.insert({});
  const commands = recordCommands(world);
  await world.pass();
  const first = commands.filter(({ collection }) => collection !== "1").slice(0, 2);
  expect(first.map(({ command }) => pointOf(command))).toEqual(["rescue", "survey"]);
});

test("twenty sessions share requests: far fewer than one a message", async () => {
  const sessions = Array.from({ length: 20 }, (_, n) => ({ name: `s${n}`, latencyMs: 5 }));
  const world = await createWorld({ sessions });
  await world.insert(...Array.from({ length: 400 }, (_, n) => ({ sessionId: `s${n % 20}` })));
  const commands = recordCommands(world);
  expect(await world.pass()).toMatchObject({ sent: 400 });
  expect(commands.length).toBeLessThan(200);
});

test("the indexes hold nothing of what is sent", async () => {
  const world = await createWorld();
  await fill(world);
  const ofDue = await world.messages.countDocuments(
    { isSent: false, isDeleted: false, isPicked: false, scheduledAt: { $gt: new Date(0) } },
    { hint: "scheduler_due" },
  );
  expect(ofDue).toBe(1000);
  const { indexSizes } =
    (await world.messages.aggregate([{ $collStats: { storageStats: {} } }]).next())?.storageStats ?? {};
  expect(Object.keys(indexSizes)).toEqual(
    expect.arrayContaining(messageIndexes(MAPPINGS.plain.messages).map((index) => index.name)),
  );
});

test("a user who may not create indexes gets a warning, and the pass runs", async () => {
  const world = await createWorld();
  await world.insert({});
  await failCommands(world, "alwaysOn", { failCommands: ["createIndexes"], errorCode: 13 });
  const first = await world.pass();
  await backgroundDone();
  const second = await world.pass();
  expect(first.sent).toBe(1);
  expect(second.errors).toMatchObject([{ code: "indexes_missing" }]);
});
