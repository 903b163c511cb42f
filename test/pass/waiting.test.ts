import { describe, expect, test } from "vitest";
import type { Summary } from "../../lib/monitoring/report.ts";
import { logged } from "../support/log.ts";
import { ago, createWorld, heldFor } from "../support/world.ts";

/** A short pass, as it asks for a lease that another one holds until it may send no more. */
const SHORT = { PASS_SECONDS: "10", TAIL_SECONDS: "3" };

const NOTHING = { lease: 0, pause: 0, turn: 0, waha: 0 };

const codes = ({ errors }: Summary) => errors.map(({ code }) => code);

describe("what waits for a lease that another pass holds", () => {
  test("is counted, and in no danger while its window outlasts the lease", async () => {
    const world = await createWorld({}, SHORT);
    await heldFor(world, 60);
    await world.insert({}, {}, {});
    const summary = await world.pass();
    expect(summary).toMatchObject({ ok: true, sent: 0, more: true, waiting: { ...NOTHING, lease: 3 } });
    expect(summary.errors).toEqual([]);
  });

  test("makes the pass not ok where a window closes before the lease ends", async () => {
    const world = await createWorld({}, SHORT);
    await heldFor(world, 60);
    await world.insert({ scheduledAt: ago(80) }, {});
    const summary = await world.pass();
    expect(summary).toMatchObject({ ok: false, more: true, waiting: { ...NOTHING, lease: 2 } });
    expect(summary.errors).toMatchObject([
      { code: "window_closing", count: 2, message: expect.stringMatching(/\(default\)$/) },
    ]);
  });
});

describe("what waits for the pause between two messages", () => {
  test.each([
    ["can wait", "30000", 10, true],
    ["is in danger where its window closes first", "90000", 60, false],
  ])("%s", async (_what, SEND_GAP_MS, seconds, ok) => {
    const world = await createWorld({}, { SEND_GAP_MS, PASS_SECONDS: "20", TAIL_SECONDS: "5" });
    await world.insert({ scheduledAt: ago(90) }, { scheduledAt: ago(seconds) });
    const summary = await world.pass();
    expect(summary).toMatchObject({ ok, sent: 1, more: true, waiting: { ...NOTHING, pause: 1 } });
    expect(codes(summary)).toEqual(ok ? [] : ["window_closing"]);
  });
});

test("what waits for its turn is in danger where its window closes before the next pass", async () => {
  const world = await createWorld({ latencyMs: 1_000 }, { PASS_SECONDS: "30", TAIL_SECONDS: "25" });
  await world.insert(...Array.from({ length: 24 }, () => ({ scheduledAt: ago(10) })));
  const fresh = await world.pass();
  expect(fresh.waiting.turn).toBeGreaterThan(0);
  expect(codes(fresh)).not.toContain("window_closing");
  await world.messages.updateMany({ isSent: false }, { $set: { scheduledAt: ago(70) } });
  const late = await world.pass();
  expect(late.waiting.turn).toBeGreaterThan(0);
  expect(codes(late)).toContain("window_closing");
});

test("what waits for WAHA is counted, and the log says how long it can wait, and why", async () => {
  const world = await createWorld({}, { LOG_LEVEL: "info" });
  await world.waha.pause();
  const scheduledAt = ago(50);
  await world.insert({}, { scheduledAt }, { campaignId: "held" });
  await world.campaigns.insertOne({ _id: "held" as never, status: "paused" });
  let answer: Response | undefined;
  const lines = await logged(async () => {
    answer = await world.call();
  });
  expect(await answer?.json()).toMatchObject({ ok: false, waiting: { ...NOTHING, waha: 2 } });
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 40,
      code: "waha_unreachable",
      count: 2,
      firstWindowClosesAt: new Date(scheduledAt.getTime() + 120_000).toISOString(),
    }),
  );
  expect(lines.find(({ msg }) => msg === "pass")).toMatchObject({ level: 40 });
});

test("a pass in whose time a window closes unsent says so itself", async () => {
  const world = await createWorld({}, SHORT);
  await heldFor(world, 60);
  const [id] = await world.insert({ scheduledAt: ago(119) });
  const summary = await world.pass();
  expect(summary).toMatchObject({ ok: false, missed: 1, waiting: NOTHING });
  expect(await world.find(id)).toMatchObject({ delivery: { state: "missed" } });
});

test("a pass that is ok is told as news, one that is not as a warning", async () => {
  const world = await createWorld({}, { LOG_LEVEL: "info" });
  const levels = async () =>
    (await logged(() => world.pass())).filter(({ msg }) => msg === "pass").map(({ level }) => level);
  expect(await levels()).toEqual([30]);
  await world.insert({ sessionId: "nowhere" });
  expect(await levels()).toEqual([40]);
});

test("a pass is not ok where the database turns the end of a message away", async () => {
  const world = await createWorld();
  await world.insert({ scheduledAt: ago(300) });
  const validator = { "delivery.state": { $ne: "missed" } };
  await world.db.command({ collMod: "messages", validator });
  const summary = await world.pass();
  expect(summary).toMatchObject({ ok: false, missed: 0 });
  expect(codes(summary)).toEqual(["database_refused"]);
});
