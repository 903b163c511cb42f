import type { ObjectId } from "mongodb";
import { expect, test } from "vitest";
import type { Summary } from "../../lib/monitoring/report.ts";
import { missedReason } from "../../lib/pass/sweep.ts";
import { logged } from "../support/log.ts";
import { ago, createWorld, type World } from "../support/world.ts";

test("what is past its window becomes missed with a reason; what is older than 24 hours is left alone and reported", async () => {
  const world = await createWorld();
  const day = 24 * 3600;
  const [late, oldest, tooOld] = await world.insert(
    { scheduledAt: ago(125) },
    { scheduledAt: ago(day - 60) },
    { scheduledAt: ago(day + 5) },
  );
  const summary = await world.pass();
  expect(summary).toMatchObject({ ok: false, missed: 2, sent: 0 });
  expect(summary.errors).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ code: "too_old_at_first_pass", count: 2 }),
      expect.objectContaining({ code: "never_picked", count: 1 }),
    ]),
  );
  for (const id of [late, oldest]) {
    expect(await world.find(id)).toMatchObject({
      isSent: false,
      isPicked: true,
      delivery: {
        state: "missed",
        settledAt: expect.any(Date),
        error: { code: "too_old_at_first_pass", at: expect.any(Date) },
      },
    });
  }
  expect(await world.find(tooOld)).not.toHaveProperty("delivery");
  expect(world.waha.ledger).toHaveLength(0);
});

test("a message whose whole window lay between two passes says that no pass ran", async () => {
  const world = await createWorld();
  await world.pass();
  const times = { firstAt: ago(4000), startedAt: ago(600), endedAt: ago(310) };
  await world.scheduler.updateOne({ _id: "last-pass" as never }, { $set: times });
  const [during, after] = await world.insert({ scheduledAt: ago(320) }, { scheduledAt: ago(300) });
  await world.pass();
  expect((await world.find(during)).delivery.error.code).toBe("window_closed");
  expect((await world.find(after)).delivery.error.code).toBe("no_pass_in_time");
});

test("what was over before the first pass says so, also when a later pass finds it", async () => {
  const world = await createWorld();
  await world.pass();
  const last = await world.scheduler.findOne({ _id: "last-pass" as never });
  expect(last?.firstAt).toEqual(last?.startedAt);
  const firstAt = ago(300);
  await world.scheduler.updateOne({ _id: "last-pass" as never }, { $set: { firstAt } });
  const [before, since] = await world.insert({ scheduledAt: ago(425) }, { scheduledAt: ago(415) });
  await world.pass();
  expect((await world.find(before)).delivery.error.code).toBe("too_old_at_first_pass");
  expect((await world.find(since)).delivery.error.code).toBe("window_closed");
  expect(await world.scheduler.findOne({ _id: "last-pass" as never })).toMatchObject({ firstAt });
});

test("what falls due and is over during the first pass is not too old for it", () => {
  const startedAt = ago(300);
  const of = (seconds: number) =>
    missedReason(
      { _id: "m", isForeign: false, mayBeSent: false, saysWhy: null, scheduledAt: ago(seconds) },
      { lastPass: null, startedAt },
      120,
    ).code;
  expect([of(421), of(419)]).toEqual(["too_old_at_first_pass", "window_closed"]);
});

test("what is missed for a reason with particulars has them in the answer and the log", async () => {
  const world = await createWorld({}, { LOG_LEVEL: "warn" });
  await world.insert({ sessionId: "elsewhere" });
  await world.pass();
  await world.messages.updateMany({}, { $set: { scheduledAt: ago(130), "delivery.error.at": ago(60) } });
  let summary: Summary | undefined;
  const lines = await logged(async () => {
    summary = await world.pass();
  });
  const detail = '"elsewhere" is neither a document of sessions nor a session in WAHA, which has default';
  expect(summary?.errors).toMatchObject([
    { code: "session_not_found", message: expect.stringContaining(`(${detail})`) },
  ]);
  expect(lines).toContainEqual(
    expect.objectContaining({ code: "session_not_found", detail, msg: expect.stringMatching(/^missed/) }),
  );
});

test("a message whose whole window lay in the last gap between passes says so, whichever pass finds it", async () => {
  const world = await createWorld();
  await world.pass();
  const gap = { from: ago(1000), to: ago(300), passId: "after" };
  await world.scheduler.updateOne({ _id: "last-pass" as never }, { $set: { gap, firstAt: ago(4000) } });
  const [before, early, late, after] = await world.insert(
    { scheduledAt: ago(1010) },
    { scheduledAt: ago(990) },
    { scheduledAt: ago(430) },
    { scheduledAt: ago(410) },
  );
  await world.pass();
  const codeOf = async (id: unknown) => (await world.find(id)).delivery.error.code;
  for (const id of [early, late]) expect(await codeOf(id)).toBe("no_pass_in_time");
  for (const id of [before, after]) expect(await codeOf(id)).toBe("window_closed");
});

test("a message of a session that is not working says so while it is due, and when it is missed", async () => {
  const world = await createWorld({ sessions: [{ name: "default", status: "SCAN_QR_CODE" }] });
  const [id] = await world.insert({});
  const summary = await world.pass();
  expect(summary).toMatchObject({
    ok: false,
    claimed: 0,
    released: 0,
    errors: [{ code: "session_not_working", count: 1 }],
  });
  expect(summary.errors[0]?.message).toContain("default: SCAN_QR_CODE");
  expect(await world.find(id)).toMatchObject({
    isPicked: false,
    delivery: { state: "released", error: { code: "session_not_working" } },
  });
  await world.messages.updateOne({ _id: id as ObjectId }, { $set: { scheduledAt: ago(130) } });
  expect(await world.pass()).toMatchObject({
    missed: 1,
    errors: [{ code: "session_not_working", count: 1 }],
  });
  expect((await world.find(id)).delivery).toMatchObject({
    state: "missed",
    error: { code: "session_not_working" },
  });
});

/** The app asks for it again, as `npm run resend` does. */
const askAgain = (world: World, id: ObjectId, scheduledAt: Date) =>
  world.messages.updateOne({ _id: id }, { $set: { isPicked: false, scheduledAt } });

/** Time is made to pass until its window has closed. */
const closeWindow = (world: World, id: ObjectId) =>
  world.messages.updateOne({ _id: id }, { $set: { scheduledAt: ago(130), "delivery.error.at": ago(60) } });

test("a message that meets the same trouble again when it is due again says so again", async () => {
  const world = await createWorld({ sessions: [{ name: "default", status: "SCAN_QR_CODE" }] });
  const reason = { error: { code: "session_not_working" } };
  const [id] = (await world.insert({})) as [ObjectId];
  await world.pass();
  await closeWindow(world, id);
  await world.pass();
  expect((await world.find(id)).delivery).toMatchObject({ state: "missed", ...reason });
  // Due again before the moment at which it was told, so that its state alone shows that this was another time.
  await askAgain(world, id, ago(90));
  const again = new Date();
  await world.pass();
  const { delivery } = await world.find(id);
  expect(delivery).toMatchObject({ state: "released", ...reason });
  expect(delivery.error.at.getTime()).toBeGreaterThanOrEqual(again.getTime());
  await closeWindow(world, id);
  await world.pass();
  expect((await world.find(id)).delivery).toMatchObject({ state: "missed", ...reason });
});

test("what was told before it was moved is told anew, and what was told since it fell due is not written again", async () => {
  const world = await createWorld({ sessions: [{ name: "default", status: "SCAN_QR_CODE" }] });
  const [id] = (await world.insert({})) as [ObjectId];
  await world.pass();
  const told = await world.find(id);
  await world.pass();
  expect(await world.find(id)).toEqual(told);
  await askAgain(world, id, new Date());
  await world.pass();
  expect((await world.find(id)).delivery.error.at).not.toEqual(told.delivery.error.at);
});

test("a reason of before it was rescheduled is not the reason why it was missed", async () => {
  const world = await createWorld();
  const error = { code: "session_not_working", message: "", at: ago(900) };
  const [id] = await world.insert({ scheduledAt: ago(200), delivery: { state: "released", error } });
  await world.pass();
  expect((await world.find(id)).delivery).toMatchObject({
    state: "missed",
    error: { code: "too_old_at_first_pass" },
  });
});

test.each([
  ["is no text", { a: 1 }],
  ["is a list", ["x"]],
  ["is absent", undefined],
  ["is endless", "x".repeat(100_000)],
])("a reason whose message %s is not kept, and stops no other message", async (_name, words) => {
  const DOCUMENTS = '{"messages": {"failedReason": "failedReason"}}';
  const world = await createWorld({}, { DOCUMENTS });
  const error = { code: "no_chat", at: ago(60), ...(words === undefined ? {} : { message: words }) };
  const ids = await world.insert(
    { scheduledAt: ago(130), delivery: { state: "released", error } },
    { scheduledAt: ago(130) },
  );
  expect(await world.pass()).toMatchObject({
    missed: 2,
    errors: [{ code: "too_old_at_first_pass", count: 2 }],
  });
  for (const id of ids)
    expect(await world.find(id)).toMatchObject({
      failedReason: expect.stringMatching(/^too_old_at_first_pass: /),
      delivery: { state: "missed", error: { code: "too_old_at_first_pass", message: expect.any(String) } },
    });
});

test("what falls due while WAHA is away says so, also when it is missed; campaigns on hold are left alone", async () => {
  const world = await createWorld();
  const { insertedId: paused } = await world.campaigns.insertOne({ status: "paused" });
  const [id, held] = await world.insert({}, { campaignId: paused });
  await world.waha.pause();
  expect((await world.call()).status).toBe(503);
  expect(await world.find(id)).toMatchObject({
    isPicked: false,
    delivery: { state: "released", error: { code: "waha_unreachable" } },
  });
  expect(await world.find(held)).not.toHaveProperty("delivery");
  await closeWindow(world, id as ObjectId);
  await world.waha.resume();
  await world.pass();
  expect((await world.find(id)).delivery).toMatchObject({
    state: "missed",
    error: { code: "waha_unreachable" },
  });
});

test("an orphan with no session of its own never goes out on the default session", async () => {
  const world = await createWorld({}, { WAHA_DEFAULT_SESSION: "default" });
  await world.insert({ campaignId: "gone" });
  expect(await world.pass()).toMatchObject({
    ok: false,
    claimed: 0,
    errors: [{ code: "campaign_not_found" }],
  });
});

test("a session that works again within the window sends what waited for it", async () => {
  const world = await createWorld({ sessions: [{ name: "default", status: "STARTING" }] });
  const [id] = await world.insert({});
  await world.pass();
  world.waha.setSessionStatus("default", "WORKING");
  expect(await world.pass()).toMatchObject({ sent: 1 });
  expect((await world.find(id)).delivery).not.toHaveProperty("error");
});

/** Where a message can name no session that WAHA has, and what it is then told. */
const ROUTES: [name: string, fields: object, code: string][] = [
  ["an id that no document and no WAHA session has", { sessionId: "gone" }, "session_not_found"],
  ["no session, nor a campaign's", {}, "no_session"],
  ["a campaign that does not exist, and no session", { campaignId: "gone" }, "campaign_not_found"],
];

test.each(ROUTES)("a message with %s is not sent, and says why", async (_name, fields, code) => {
  const world = await createWorld({}, { WAHA_DEFAULT_SESSION: "" });
  const [id] = await world.insert(fields);
  const summary = await world.pass();
  expect(summary.errors.map((error) => error.code)).toContain(code);
  expect((await world.find(id)).delivery.error.code).toBe(code);
});

test("a message of a campaign that does not exist goes out on its own session, and is reported", async () => {
  const world = await createWorld();
  await world.insert({ campaignId: "gone", sessionId: "default" });
  expect(await world.pass()).toMatchObject({
    ok: true,
    sent: 1,
    errors: [{ code: "campaign_not_found", count: 1 }],
  });
});

test.each(["paused", "cancelled"])(
  "a campaign that is %s is left alone: nothing sent, nothing missed, nothing written",
  async (status) => {
    const world = await createWorld();
    const { insertedId: campaignId } = await world.campaigns.insertOne({ status, sessionId: "default" });
    const ids = await world.insert({ campaignId }, { campaignId: String(campaignId), scheduledAt: ago(300) });
    const before = await world.messages.find({}).toArray();
    expect(await world.pass()).toMatchObject({ ok: true, claimed: 0, missed: 0 });
    expect(await world.messages.find({}).toArray()).toEqual(before);
    expect(await world.campaigns.findOne({})).toEqual({ _id: campaignId, status, sessionId: "default" });
    await world.campaigns.updateOne({}, { $set: { status: "running" } });
    expect(await world.pass()).toMatchObject({ sent: 1, missed: 1 });
    expect(ids).toHaveLength(2);
  },
);

test.each(["attempting", "unknown", "sent"])(
  "an app that resets a message in state %s does not get it sent again",
  async (state) => {
    const world = await createWorld();
    const [id] = await world.insert({ delivery: { state, passId: "before", attempts: 1 } });
    expect(await world.pass()).toMatchObject({ claimed: 0, errors: [{ code: "flag_reset", count: 1 }] });
    expect(await world.find(id)).toMatchObject({
      isPicked: true,
      isSent: state === "sent",
      delivery: { state },
    });
    expect(world.waha.ledger).toHaveLength(0);
  },
);

test("documents that no pass would ever see are found and reported", async () => {
  const world = await createWorld();
  await world.insert(
    { isPicked: null },
    { isDeleted: null },
    { isPicked: true },
    { isPicked: true, delivery: null },
    { isPicked: true, delivery: { state: "released" } },
  );
  await world.messages.insertOne({ chatId: "49170", content: "no flags", scheduledAt: ago(5) });
  await world.insert({ scheduledAt: new Date().toISOString() }, { scheduledAt: Date.now() });
  const { errors, ok } = await world.pass();
  expect(ok).toBe(true);
  expect(errors).toMatchObject([
    { code: "flags_missing", count: 3 },
    { code: "date_wrong", count: 2 },
    { code: "picked_elsewhere", count: 3 },
  ]);
});

test("a function whose clock is slow ends nothing too early, and a difference of the clocks is reported", async () => {
  const world = await createWorld();
  const [id] = await world.insert({ scheduledAt: ago(150) });
  const slow = { monotonic: () => performance.now(), system: () => Date.now() - 60_000 };
  const summary = await world.pass({ hostClock: slow });
  expect(summary).toMatchObject({ missed: 0, errors: [{ code: "clock_skew" }] });
  expect(await world.find(id)).not.toHaveProperty("delivery");
  expect(await world.pass()).toMatchObject({ missed: 1 });
});

test("a function whose clock is fast sends nothing early: the database's time counts", async () => {
  const world = await createWorld();
  await world.insert({ scheduledAt: ago(-30) });
  const fast = { monotonic: () => performance.now(), system: () => Date.now() + 60_000 };
  expect(await world.pass({ hostClock: fast })).toMatchObject({ claimed: 0, missed: 0 });
});

test("of many messages that are missed at once the first have a line each, and the others are counted", async () => {
  const world = await createWorld({}, { LOG_LEVEL: "info" });
  await world.insert(...Array.from({ length: 700 }, () => ({ scheduledAt: ago(300) })));
  const lines = await logged(() => world.pass());
  expect(lines.filter(({ messageId }) => messageId)).toHaveLength(100);
  expect(lines).toContainEqual(expect.objectContaining({ count: 600, msg: expect.stringMatching(/^more /) }));
  expect(lines.length).toBeLessThan(110);
});
