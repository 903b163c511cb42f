import { ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { CAMPAIGN_INDEXES, MESSAGE_INDEXES } from "../../../lib/indexes.ts";
import { PROBLEMS } from "../../../lib/problems.ts";
import { explainStages, recordCommands } from "../../support/commands.ts";
import { askStatus, readStatus } from "../../support/status.ts";
import { ago, createWorld, message, type World } from "../../support/world.ts";

const claimed = { state: "claimed", passId: "p", claimedAt: ago(5), claimExpiresAt: ago(-60) };
const attempt = { state: "attempting", passId: "p", attemptAt: ago(5), nextLookupAt: ago(-60) };

const endedAgo = (world: World, seconds: number) =>
  world.scheduler.updateOne({ _id: "last-pass" as never }, { $set: { endedAt: ago(seconds) } });

test("what is on its way is counted by where it is, and the oldest due one told", async () => {
  const world = await createWorld();
  const oldest = ago(30);
  await world.insert(
    { scheduledAt: oldest },
    { scheduledAt: ago(20) },
    { scheduledAt: ago(-600) },
    { scheduledAt: ago(600) },
    { isDeleted: true },
    { isPicked: true, delivery: claimed },
    { isPicked: true, delivery: attempt },
    { isPicked: true, delivery: attempt },
    { isPicked: true, delivery: { ...attempt, state: "unknown" } },
  );
  const { now } = await readStatus(world);
  expect(now).toMatchObject({
    due: { count: 2, more: false },
    oldestDue: oldest.toISOString(),
    pastWindow: { count: 1, more: false },
    claimed: { count: 1, more: false },
    attempting: { count: 2, more: false },
    awaitingLookup: { count: 1, more: false },
  });
});

test("counts stop at a thousand, and say so", async () => {
  const world = await createWorld();
  await world.messages.insertMany(Array.from({ length: 1500 }, () => message()));
  expect((await readStatus(world)).now.due).toEqual({ count: 1000, more: true });
});

test("the hour and the day are what passes counted, with how late messages were", async () => {
  const world = await createWorld();
  await world.insert(
    { scheduledAt: ago(10) },
    { scheduledAt: ago(10) },
    { chatId: "bad" },
    { scheduledAt: ago(300) },
  );
  await world.pass();
  const { hour, day, minutes, lastPass } = await readStatus(world);
  const counts = { passes: 1, sent: 2, failed: 1, missed: 1, unknown: 0 };
  expect(hour).toMatchObject(counts);
  expect(day).toMatchObject(counts);
  expect(hour.latenessMs.p50).toBeGreaterThan(7_000);
  expect(hour.latenessMs.p99).toBeLessThan(25_000);
  expect(minutes).toHaveLength(60);
  expect(minutes.reduce((sum, minute) => sum + minute.sent, 0)).toBe(2);
  expect(lastPass?.summary).toMatchObject({ sent: 2, failed: 1, missed: 1 });
});

test("campaigns in progress are told with how their messages stand", async () => {
  const world = await createWorld();
  const open = { open: true, rev: 1 };
  const { insertedId: campaignId } = await world.campaigns.insertOne({
    name: "Sale",
    status: "sending",
    delivery: open,
  });
  await world.campaigns.insertOne({ name: "Over", delivery: { open: false, rev: 1 } });
  await world.insert(
    { campaignId, isSent: true, isPicked: true, delivery: { state: "sent" } },
    { campaignId: campaignId.toHexString(), isPicked: true, delivery: { state: "missed" } },
    { campaignId, isPicked: true, delivery: { state: "unknown" } },
    { campaignId },
    { campaignId, isDeleted: true },
  );
  expect((await readStatus(world)).campaigns).toEqual({
    shown: [
      {
        id: campaignId.toHexString(),
        name: "Sale",
        status: "sending",
        counts: { total: 4, sent: 1, failed: 0, missed: 1, unknown: 1, left: 1 },
      },
    ],
    more: false,
  });
});

test("of many campaigns twenty are told, and of one with very many messages no counts", async () => {
  const world = await createWorld();
  const campaignId = new ObjectId();
  const delivery = { open: true, rev: 1 };
  await world.campaigns.insertOne({ _id: campaignId, name: { odd: true }, delivery });
  await world.campaigns.insertMany(
    Array.from({ length: 25 }, (_, n) => ({
      name: `c${n}`,
      delivery: { ...delivery, checkedAt: ago(n) },
    })),
  );
  await world.messages.insertMany(
    Array.from({ length: 10_001 }, () => message({ campaignId, isSent: true })),
  );
  const { campaigns } = await readStatus(world);
  expect(campaigns.shown).toHaveLength(20);
  expect(campaigns.more).toBe(true);
  expect(campaigns.shown[0]).toEqual({
    id: campaignId.toHexString(),
    name: null,
    status: null,
    counts: null,
  });
});

test("messages that no pass can see are told, each kind with its remedy", async () => {
  const world = await createWorld();
  await world.insert(
    { isPicked: null },
    { scheduledAt: new Date().toISOString() },
    { scheduledAt: ago(90_000) },
  );
  expect((await readStatus(world)).documents).toEqual(
    expect.arrayContaining([
      { code: "flags_missing", message: PROBLEMS.flags_missing, count: 1 },
      { code: "date_wrong", message: PROBLEMS.date_wrong, count: 1 },
      { code: "never_picked", message: PROBLEMS.never_picked, count: 1 },
    ]),
  );
});

test("a session that does not work comes first, and is what the verdict is about", async () => {
  const sessions = [{ name: "a" }, { name: "b", status: "SCAN_QR_CODE" as const }];
  const world = await createWorld({ sessions });
  await world.pass();
  const { ok, verdict, waha } = await readStatus(world);
  expect(waha).toEqual({
    reachable: true,
    total: 2,
    working: 1,
    sessions: [
      { name: "b", status: "SCAN_QR_CODE" },
      { name: "a", status: "WORKING" },
    ],
  });
  expect(ok).toBe(false);
  expect(verdict.detail).toContain('"b" is SCAN_QR_CODE');
});

test("a problem of the last day comes with its remedy and how to send again", async () => {
  const world = await createWorld();
  await world.insert({ chatId: "bad" });
  await world.pass();
  const { verdict, problems } = await readStatus(world);
  expect(verdict).toMatchObject({
    level: "warning",
    detail: expect.stringContaining("can't be sent as it stands"),
  });
  expect(problems).toMatchObject([
    {
      code: "invalid_message",
      message: PROBLEMS.invalid_message,
      count: 1,
      passes: 1,
      resend: { command: "npm run resend -- --state failed,missed --code invalid_message --since 1d" },
    },
  ]);
});

test("a pass a moment ago and all well: running", async () => {
  const world = await createWorld();
  await world.pass();
  expect(await readStatus(world)).toMatchObject({
    ok: true,
    verdict: { level: "good", headline: expect.stringMatching(/^Running: last pass \d+ s ago$/) },
  });
});

test("no pass for minutes is what is said first; one that stays may be that much older", async () => {
  const world = await createWorld();
  expect((await readStatus(world)).verdict).toMatchObject({
    level: "bad",
    headline: "No pass has ended here yet",
  });
  await world.pass();
  await endedAgo(world, 300);
  const stopped = { level: "bad", headline: "No pass for 5 min: nothing is sent" };
  expect(await readStatus(world)).toMatchObject({ ok: false, verdict: stopped });
  Object.assign(world.env, { PASS_SECONDS: "60", TAIL_SECONDS: "5", STAY_SECONDS: "50" });
  await endedAgo(world, 200);
  expect((await readStatus(world)).verdict.level).toBe("good");
});

test("alerts that stand are told, and keep the verdict from being good", async () => {
  const world = await createWorld();
  await world.pass();
  const alert = { kind: "missed", about: "", code: null, message: "3 messages are missed", since: ago(60) };
  const entries = [{ ...alert, lastAt: ago(1), told: true }];
  await world.scheduler.updateOne({ _id: "alerts" as never }, { $set: { entries } }, { upsert: true });
  const { verdict, alerts } = await readStatus(world);
  expect(alerts).toEqual([{ ...alert, since: alert.since.toISOString() }]);
  expect(verdict).toMatchObject({ level: "warning", detail: "3 messages are missed." });
});

test("WAHA away is part of the status, in the words of a pass", async () => {
  const world = await createWorld();
  await world.pass();
  await world.waha.pause();
  const { ok, verdict, waha } = await readStatus(world);
  expect(ok).toBe(false);
  expect(waha).toEqual({ reachable: false, code: "waha_unreachable", message: PROBLEMS.waha_unreachable });
  expect(verdict).toMatchObject({ level: "bad", headline: "WAHA can't be reached: nothing is sent" });
});

test("the database away is a 503 in the words of a pass", async () => {
  const world = await createWorld();
  world.env.DATABASE_URL = "mongodb://127.0.0.1:9/app?serverSelectionTimeoutMS=200";
  const response = await askStatus(world);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    ok: false,
    errors: [{ code: "database_unreachable", message: PROBLEMS.database_unreachable, count: 1 }],
  });
});

test("every search uses an index, however much there is; and there are few of them", async () => {
  const world = await createWorld();
  await world.messages.createIndexes(MESSAGE_INDEXES);
  await world.campaigns.createIndexes(CAMPAIGN_INDEXES);
  const { insertedId: campaignId } = await world.campaigns.insertOne({ name: "live", sessionId: "default" });
  await world.insert(
    { campaignId },
    { campaignId, scheduledAt: ago(-600) },
    { isPicked: true, delivery: attempt },
  );
  await world.messages.insertMany(
    Array.from({ length: 2000 }, () => message({ isSent: true, isPicked: true })),
  );
  await world.pass();
  const commands = recordCommands(world);
  const { campaigns } = await readStatus(world);
  expect(campaigns.shown).toHaveLength(1);
  const queries = commands.filter(({ name }) => name === "find" || name === "aggregate");
  expect(queries).toHaveLength(8);
  expect(commands.filter(({ name }) => !["find", "aggregate", "hello"].includes(name))).toEqual([]);
  for (const query of queries) {
    const stages = await explainStages(world, query);
    expect(stages, JSON.stringify(query.command)).not.toContain("COLLSCAN");
    expect(
      stages.some((stage) => ["IXSCAN", "IDHACK", "EOF", "COUNT_SCAN"].includes(stage)),
      JSON.stringify([query.command, stages]),
    ).toBe(true);
  }
});
