import { describe, expect, test } from "vitest";
import { messageOf } from "../../../lib/problems.ts";
import { readPage, readStatus } from "../../support/status.ts";
import { WEBHOOK_KEY } from "../../support/webhooks.ts";
import { ago, createWorld } from "../../support/world.ts";

const claimed = { state: "claimed", passId: "p", claimedAt: ago(5), claimExpiresAt: ago(-60) };
const attempt = { state: "attempting", passId: "p", attemptAt: ago(5), nextLookupAt: ago(-60) };

test("what is on its way is counted by where it is, and the oldest due one told", async () => {
  const world = await createWorld();
  const oldest = ago(30);
  const { insertedId: campaignId } = await world.campaigns.insertOne({ status: "paused" });
  await world.insert(
    { scheduledAt: ago(40), campaignId },
    { scheduledAt: ago(700), campaignId: campaignId.toHexString() },
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
    onHold: { count: 2, more: false },
    claimed: { count: 1, more: false },
    attempting: { count: 2, more: false },
    awaitingLookup: { count: 1, more: false },
  });
  expect(await readPage(world)).toContain(
    '<b class="">2</b><span>due now</span><small>1 past their window, 2 on hold</small>',
  );
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
  expect(hour?.latenessMs.p50).toBeGreaterThan(7_000);
  expect(hour?.latenessMs.p99).toBeLessThan(25_000);
  expect(minutes).toHaveLength(60);
  expect(minutes?.reduce((sum, minute) => sum + minute.sent, 0)).toBe(2);
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
    { campaignId, isSent: "false" },
    { campaignId, isPicked: "false", delivery: { state: "failed" } },
    { campaignId, isDeleted: true },
  );
  expect((await readStatus(world)).campaigns).toEqual({
    shown: [
      {
        id: campaignId.toHexString(),
        name: "Sale",
        status: "sending",
        counts: { total: 6, sent: 1, failed: 0, missed: 1, unknown: 1, left: 3 },
        receipts: null,
      },
    ],
    more: false,
    ended: { shown: [], more: false },
  });
});

describe("with webhooks", () => {
  const sent = (receipt: string | undefined) => ({
    isSent: true,
    isPicked: true,
    delivery: { state: "sent", ...(receipt ? { receipt } : {}) },
  });

  /** Campaigns with one message of each receipt, and one without. */
  async function receivedWorld(settings: NodeJS.ProcessEnv = { WAHA_WEBHOOK_KEY: WEBHOOK_KEY }) {
    const world = await createWorld({}, settings);
    const counts = { total: 6, sent: 6, failed: 0, missed: 0, unknown: 0 };
    const ended = (hours: number) => ({ open: false, rev: 1, settledAt: ago(hours * 3600), counts });
    const { insertedIds } = await world.campaigns.insertMany([
      { name: "Running", status: "sending", delivery: { open: true, rev: 1 } },
      { name: "Older", status: "completed", delivery: ended(23) },
      { name: "Over", status: "completed", delivery: ended(1) },
      { name: "Long over", status: "completed", delivery: ended(25) },
      { name: "Deleted", status: "sending", delivery: { open: false, rev: 1, settledAt: ago(60) } },
    ]);
    const receipts = [undefined, "server", "refused", "delivered", "read", "played"];
    for (const campaignId of Object.values(insertedIds))
      await world.insert(...receipts.map((receipt) => ({ campaignId, ...sent(receipt) })));
    return world;
  }

  test("campaigns in progress, and those that ended within a day, say what WhatsApp reported", async () => {
    const { campaigns } = await readStatus(await receivedWorld());
    const receipts = { delivered: 3, read: 2, refused: 1 };
    expect(campaigns?.shown).toMatchObject([{ name: "Running", counts: { sent: 6 }, receipts }]);
    expect(campaigns?.ended).toMatchObject({
      shown: [
        { name: "Over", status: "completed", endedAt: expect.any(String), counts: { sent: 6 }, receipts },
        { name: "Older", receipts },
      ],
      more: false,
    });
  });

  test("the page says so, too", async () => {
    const page = await readPage(await receivedWorld());
    expect(page.match(/3 delivered, 2 read, 1 refused by WhatsApp/g)).toHaveLength(3);
    expect(page).toContain("Campaigns that ended within a day");
    expect(page).toContain('<b>Over</b><span class="soft">completed, 60 min ago</span>');
  });

  test("without them nothing is said of receipts", async () => {
    const world = await receivedWorld({});
    const { campaigns } = await readStatus(world);
    expect(campaigns?.ended.shown).toMatchObject([{ name: "Over", receipts: null }, { receipts: null }]);
    expect(await readPage(world)).not.toContain("delivered");
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
      { code: "flags_missing", message: messageOf("flags_missing"), count: 1, more: false },
      { code: "date_wrong", message: messageOf("date_wrong"), count: 1, more: false },
      { code: "never_picked", message: messageOf("never_picked"), count: 1, more: false },
    ]),
  );
});

test("a problem that several passes met says how often the latest one met it, and how many did", async () => {
  const world = await createWorld();
  await world.insert({ chatId: "bad" });
  await world.pass();
  expect(await readPage(world)).toContain("; 1 in one pass<");
  await world.insert({ chatId: "bad" }, { chatId: "bad" }, { chatId: "bad" });
  await world.pass();
  expect(await readPage(world)).toContain("; 3 in the latest pass; met by 2 passes<");
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
      message: messageOf("invalid_message"),
      count: 1,
      passes: 1,
      resend: { command: "npm run resend -- --state failed,missed --code invalid_message --since 1d" },
    },
  ]);
});

test.each([
  [25_000, "40 s", "20 s"],
  [100_000, "4 min", "2 min"],
  [163_000, "4 min", "2 min"],
  [700_000, "20 min", "10 min"],
])("the axis of a lateness of %i ms says %s and, in the same unit, %s", async (late, top, middle) => {
  const world = await createWorld({}, { LOOKBACK_SECONDS: "3600" });
  await world.insert({ scheduledAt: ago(late / 1000) });
  await world.pass();
  const plots = (await readPage(world)).match(
    /<span class="top">.*?<\/span><span class="middle">.*?<\/span>/g,
  );
  expect(plots?.at(-1)).toBe(`<span class="top">${top}</span><span class="middle">${middle}</span>`);
});
