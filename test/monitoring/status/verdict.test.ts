import { expect, test } from "vitest";
import { backgroundDone } from "../../../lib/async.ts";
import { messageOf } from "../../../lib/problems.ts";
import { askStatus, readStatus } from "../../support/status.ts";
import { ago, createWorld, type World } from "../../support/world.ts";

const endedAgo = (world: World, seconds: number) =>
  world.scheduler.updateOne({ _id: "last-pass" as never }, { $set: { endedAt: ago(seconds) } });

test("a session that does not work comes first, and is what the verdict is about", async () => {
  const sessions = [{ name: "a" }, { name: "b", status: "SCAN_QR_CODE" as const }];
  const world = await createWorld({ sessions });
  await world.pass();
  const { ok, verdict, waha } = await readStatus(world);
  expect(waha).toEqual({
    reachable: true,
    total: 2,
    working: 1,
    needingSomebody: 1,
    sessions: [
      { name: "b", status: "SCAN_QR_CODE" },
      { name: "a", status: "WORKING" },
    ],
  });
  expect(ok).toBe(false);
  expect(verdict.detail).toContain('"b" is SCAN_QR_CODE');
});

test("sessions are told as a person orders them: by need, then by name, numbers by their value", async () => {
  const working = ["s10", "s9", "a"].map((name) => ({ name }));
  const sessions = [
    ...working,
    { name: "z", status: "STOPPED" as const },
    { name: "y", status: "FAILED" as const },
  ];
  const { waha } = await readStatus(await createWorld({ sessions }));
  expect("sessions" in waha && waha.sessions.map(({ name }) => name)).toEqual(["y", "z", "a", "s9", "s10"]);
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
  await backgroundDone();
  const alert = { kind: "missed", about: "", code: null, message: "3 messages are missed", since: ago(60) };
  const standing = { lastAt: ago(1), state: "standing", told: "standing", claimedUntil: null };
  const over = { ...alert, ...standing, kind: "failed", state: "over" };
  const entries = [over, { ...alert, ...standing }];
  await world.scheduler.updateOne({ _id: "alerts" as never }, { $set: { entries } }, { upsert: true });
  const { verdict, alerts } = await readStatus(world);
  expect(alerts).toEqual([{ ...alert, since: alert.since.toISOString() }]);
  expect(verdict).toMatchObject({ level: "warning", detail: "3 messages are missed." });
});

test("sessions that are stopped, or just starting, wait for no person", async () => {
  const sessions = [{ name: "a" }, { name: "b", status: "STOPPED" as const }, { name: "c" }];
  const world = await createWorld({ sessions });
  world.waha.setSessionStatus("c", "STARTING");
  await world.pass();
  const { verdict, waha } = await readStatus(world);
  expect(waha).toMatchObject({ total: 3, working: 1, needingSomebody: 0 });
  expect(verdict.level).toBe("good");
});

test("messages that no pass will ever see keep the verdict from being good", async () => {
  const world = await createWorld();
  await world.pass();
  await world.insert({ scheduledAt: new Date().toISOString() }, { scheduledAt: "soon" });
  expect((await readStatus(world)).verdict).toMatchObject({
    level: "warning",
    detail: expect.stringContaining("date_wrong (2): "),
  });
});

test("what is due and not yet taken up is said", async () => {
  const world = await createWorld();
  await world.pass();
  await world.insert({ scheduledAt: ago(20) }, {});
  expect((await readStatus(world)).verdict).toMatchObject({
    level: "good",
    detail: expect.stringMatching(/^2 due now, the oldest for 2\d s: the next pass takes them up\.$/),
  });
});

test("WAHA away is part of the status, in the words of a pass", async () => {
  const world = await createWorld();
  await world.pass();
  await world.waha.pause();
  const { ok, verdict, waha } = await readStatus(world);
  expect(ok).toBe(false);
  expect(waha).toEqual({
    reachable: false,
    code: "waha_unreachable",
    detail: "ECONNREFUSED",
    message: messageOf("waha_unreachable", "ECONNREFUSED"),
  });
  expect(verdict).toMatchObject({ level: "bad", headline: "WAHA can't be reached: nothing is sent" });
});

test("the database away is a 503 in the words of a pass", async () => {
  const world = await createWorld();
  world.env.DATABASE_URL = "mongodb://127.0.0.1:9/app?serverSelectionTimeoutMS=2000";
  const response = await askStatus(world);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    ok: false,
    errors: [
      { code: "database_unreachable", message: messageOf("database_unreachable", "ECONNREFUSED"), count: 1 },
    ],
  });
});
