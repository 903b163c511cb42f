import { expect, test } from "vitest";
import type { Host } from "../../../lib/pass/run.ts";
import { failCommands } from "../../support/fail-commands.ts";
import { jumpingClock } from "../../support/jumping-clock.ts";
import type { World } from "../../support/world.ts";
import { ago, createWorld } from "../../support/world.ts";

/** How long the passes of these tests stay, unless they are asked to stop. */
const STAY = { STAY_SECONDS: "40" };

/** The same in a third of the time: what a pass does every so often it does three times as often. */
const SHORT_STAY = { PASS_SECONDS: "20", TAIL_SECONDS: "3", STAY_SECONDS: "15" };

/** Starts a pass that stays, and what ends it. */
function beginStay(world: World, host: Partial<Host> = {}) {
  const stop = new AbortController();
  const summary = world.pass({ ...host, stop: stop.signal });
  return {
    end: () => {
      stop.abort();
      return summary;
    },
  };
}

const isSent = (world: World, count: number) =>
  expect.poll(() => world.messages.countDocuments({ isSent: true, "delivery.state": "sent" })).toBe(count);

const leaseOf = (world: World, session: string) =>
  world.scheduler.findOne({ _id: `session:${session}` as never });

const expireLeases = ({ scheduler }: World) =>
  scheduler.updateMany({ _id: /^session:/ as never }, { $set: { expiresAt: ago(1) } });

test("sends what falls due while it stays, at its time and not before", async () => {
  const world = await createWorld({}, STAY);
  const scheduledAt = ago(-1.5);
  await world.insert({}, { content: "later", scheduledAt });
  const pass = beginStay(world);
  await isSent(world, 2);
  expect(await pass.end()).toMatchObject({ claimed: 2, sent: 2, more: false, ok: true });
  const later = world.waha.ledger.find(({ text }) => text === "later");
  expect(later?.acceptedAt.getTime()).toBeGreaterThanOrEqual(scheduledAt.getTime());
});

test("sends what is written while it stays", async () => {
  const world = await createWorld({}, STAY);
  await world.insert({});
  const pass = beginStay(world);
  await isSent(world, 1);
  await world.insert({ scheduledAt: ago(0) }, { scheduledAt: ago(-1) });
  await isSent(world, 3);
  expect(await pass.end()).toMatchObject({ sent: 3, more: false });
});

test("stays no longer than it is told to", async () => {
  const world = await createWorld({}, { STAY_SECONDS: "0.5" });
  await world.insert({}, { scheduledAt: ago(-30) });
  expect(await world.pass()).toMatchObject({ claimed: 1, sent: 1, more: false });
});

/** An answer that comes after everything else is over. */
const slowly = (session: string, ms = 3_000) =>
  ({ match: { session, route: "sendText" }, action: { type: "sendLate", ms } }) as const;

test("a session that waits for its answer holds up no other", async () => {
  const world = await createWorld({ sessions: [{ name: "slow" }, { name: "quick" }] }, STAY);
  world.waha.addFault(slowly("slow", 8_000));
  await world.insert({ sessionId: "slow" }, { sessionId: "quick", scheduledAt: ago(-0.5) });
  const pass = beginStay(world);
  await isSent(world, 2);
  expect(world.waha.ledger).toMatchObject([{ session: "quick" }, { session: "slow" }]);
  expect(await pass.end()).toMatchObject({ sent: 2 });
});

test("gives a lease back when there is nothing left to send, and has another pass send on the session", async () => {
  const world = await createWorld({ sessions: [{ name: "idle" }, { name: "slow" }] }, STAY);
  world.waha.addFault(slowly("slow"));
  await world.insert({ sessionId: "idle" }, { sessionId: "slow" });
  const pass = beginStay(world);
  await expect.poll(async () => (await leaseOf(world, "idle"))?.expiresAt.getTime()).toBe(0);
  expect((await leaseOf(world, "slow"))?.expiresAt.getTime()).toBeGreaterThan(Date.now());
  const stays = world.env.STAY_SECONDS;
  world.env.STAY_SECONDS = "0";
  await world.insert({ sessionId: "idle" });
  await world.pass();
  world.env.STAY_SECONDS = stays;
  expect(world.waha.ledger.filter(({ session }) => session === "idle")).toHaveLength(2);
  await isSent(world, 3);
  await pass.end();
});

test("takes claims and leases for moments, so that they can be rescued in time", async () => {
  const world = await createWorld({}, STAY);
  world.waha.addFault(slowly("default", 1_000));
  const [first, second] = await world.insert({}, {});
  const pass = beginStay(world);
  await expect.poll(async () => (await world.find(first)).delivery?.state).toBe("attempting");
  const { delivery } = await world.find(second);
  expect(delivery).toMatchObject({ state: "claimed" });
  const inSeconds = (moment: Date) => (moment.getTime() - Date.now()) / 1000;
  expect(inSeconds(delivery.claimExpiresAt)).toBeLessThan(15);
  expect(inSeconds((await leaseOf(world, "default"))?.expiresAt)).toBeLessThan(20.5);
  await isSent(world, 2);
  await pass.end();
});

test("sends nothing more on a session in trouble, also what falls due later", async () => {
  const world = await createWorld({ sessions: [{ name: "bad" }, { name: "good" }] }, STAY);
  const refusal = { error: "Session status is not as expected. Try again later" };
  world.waha.addFault({ match: { session: "bad" }, action: { type: "status", status: 422, body: refusal } });
  const [refused] = await world.insert({ sessionId: "bad" });
  const pass = beginStay(world);
  await expect.poll(async () => (await world.find(refused)).delivery?.state).toBe("released");
  await world.insert({ sessionId: "bad" }, { sessionId: "good" });
  await isSent(world, 1);
  expect(await pass.end()).toMatchObject({ claimed: 2, sent: 1, released: 1, more: true });
});

test("tries a session in trouble again after a while, and tells of what fell due meanwhile", async () => {
  const sessions = [{ name: "shaky" }, { name: "out", status: "SCAN_QR_CODE" as const }];
  const world = await createWorld({ sessions }, { STAY_SECONDS: "58", TAIL_SECONDS: "1" });
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "resetAfter" } });
  const [lost, out] = await world.insert(
    { sessionId: "shaky", scheduledAt: ago(2) },
    { sessionId: "out" },
    // Its window is over by then.
    { sessionId: "out", scheduledAt: ago(90) },
  );
  const hostClock = jumpingClock();
  const pass = beginStay(world, { hostClock });
  const codeOf = async (id: unknown) => (await world.find(id)).delivery?.error?.code;
  await expect.poll(() => codeOf(out)).toBe("session_not_working");
  await expect.poll(() => codeOf(lost)).toBe("waha_connection_lost");
  const [waiting, later] = await world.insert({ sessionId: "shaky" }, { sessionId: "out" });
  // The POST may still be under way, so its lease runs out, by the database's clock, which does not jump.
  await expireLeases(world);
  hostClock.jump(45_000);
  await isSent(world, 1);
  await expect.poll(() => codeOf(later)).toBe("session_not_working");
  const { errors } = await pass.end();
  expect(errors).toContainEqual(expect.objectContaining({ code: "session_not_working", count: 3 }));
  expect((await world.find(waiting)).delivery.state).toBe("sent");
  expect((await world.find(lost)).delivery.state).toBe("attempting");
});

test("when it is asked to stop, it waits for nothing any more", async () => {
  const world = await createWorld({}, STAY);
  await world.insert({}, { scheduledAt: ago(-30) });
  const pass = beginStay(world);
  await isSent(world, 1);
  expect(await pass.end()).toMatchObject({ claimed: 1, sent: 1, ok: true });
});

test("looks around WAHA again, and sends on a session that has begun to work", async () => {
  const world = await createWorld({ sessions: [{ name: "late", status: "STOPPED" }] }, SHORT_STAY);
  const [blocked] = await world.insert({ sessionId: "late" });
  const pass = beginStay(world);
  await expect
    .poll(async () => (await world.find(blocked)).delivery?.error?.code)
    .toBe("session_not_working");
  world.waha.setSessionStatus("late", "WORKING");
  await expect.poll(() => world.waha.ledger.length).toBe(1);
  await pass.end();
});

test("gives back the claims of a pass that died meanwhile, and sends them", async () => {
  const world = await createWorld({}, STAY);
  const pass = beginStay(world);
  await expect.poll(() => world.waha.requestCount({ route: "sessions" })).toBe(1);
  const died = { passId: "died", claimedAt: ago(1), claimExpiresAt: ago(-1), attempts: 0 };
  await world.insert({ isPicked: true, delivery: { state: "claimed", ...died } });
  await isSent(world, 1);
  expect(await pass.end()).toMatchObject({ rescued: 1, sent: 1 });
});

test("a queue that is longer than a claim lasts is sent without a word", async () => {
  // Claims last six seconds.
  const settings = { PASS_SECONDS: "24", TAIL_SECONDS: "1", STAY_SECONDS: "20" };
  const world = await createWorld({ sessions: [{ name: "default", latencyMs: 200 }] }, settings);
  await world.insert(...Array.from({ length: 35 }, () => ({})));
  const pass = beginStay(world);
  await isSent(world, 35);
  expect(await pass.end()).toMatchObject({ sent: 35, released: 0, ok: true, more: false, errors: [] });
  const claims = await world.messages.distinct("delivery.claimedAt");
  expect(claims.length).toBeGreaterThan(1);
});

test("a message that waits for its session goes out as soon as that is free", async () => {
  const world = await createWorld({ sessions: [{ name: "slow" }, { name: "slower" }] }, STAY);
  world.waha.addFault(slowly("slow", 2_000));
  world.waha.addFault(slowly("slower", 12_000));
  const at = (seconds: number, sessionId: string) => ({ sessionId, scheduledAt: ago(-seconds) });
  await world.insert(at(0, "slow"), { ...at(0.3, "slow"), content: "waits" }, at(0.8, "slower"));
  const pass = beginStay(world);
  await expect.poll(() => world.waha.ledger.find(({ text }) => text === "waits")).toBeDefined();
  expect(world.waha.ledger.map(({ session }) => session)).toEqual(["slow", "slow"]);
  await pass.end();
});

test("a database that is away for a moment is told at the end, and what falls due afterwards is sent", async () => {
  const world = await createWorld({}, STAY);
  await world.insert({});
  const stop = new AbortController();
  const call = world.call("", { stop: stop.signal });
  await isSent(world, 1);
  // The driver asks once more by itself; so both looks of two rounds fail.
  await failCommands(world, { times: 4 }, { failCommands: ["find"], errorCode: 262 });
  await world.insert({ scheduledAt: ago(-1) });
  await isSent(world, 2);
  stop.abort();
  const response = await call;
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { sent: 2, errors: [{ code: "database_unreachable" }] },
  ]);
});

test("WAHA away at the beginning is asked again, and what is due is sent once it is back", async () => {
  const world = await createWorld({}, STAY);
  await world.waha.pause();
  const [waiting] = await world.insert({});
  const stop = new AbortController();
  const call = world.call("", { stop: stop.signal });
  await expect.poll(async () => (await world.find(waiting)).delivery?.error?.code).toBe("waha_unreachable");
  await world.waha.resume();
  await isSent(world, 1);
  stop.abort();
  const response = await call;
  expect([response.status, await response.json()]).toMatchObject([503, { sent: 1 }]);
});

test("a version that WAHA does not tell again is still known: ids go on", async () => {
  const world = await createWorld({}, SHORT_STAY);
  const pass = beginStay(world);
  await expect.poll(() => world.waha.requestCount({ route: "version" })).toBe(1);
  world.waha.addFault({ match: { route: "version" }, action: { type: "resetBefore" } });
  await expect.poll(() => world.waha.requestCount({ route: "version" })).toBe(2);
  const [id] = await world.insert({});
  await isSent(world, 1);
  expect((await world.find(id)).delivery.waMessageId).toBe(world.waha.ledger[0]?.givenId);
  await pass.end();
});

test("two that stay at once send each message once, and each session's in order", async () => {
  const names = ["a", "b", "c"];
  const world = await createWorld({ sessions: names.map((name) => ({ name, latencyMs: 10 })) }, STAY);
  const plan = Array.from({ length: 120 }, (_, n) => ({
    sessionId: names[n % 3],
    content: `message ${n}`,
    scheduledAt: ago(1 - n / 40),
  }));
  await world.insert(...plan);
  const [one, other] = [beginStay(world), beginStay(world)];
  await isSent(world, plan.length);
  const [first, second] = await Promise.all([one.end(), other.end()]);
  expect(first.sent + second.sent).toBe(plan.length);
  expect(world.waha.ledger).toHaveLength(plan.length);
  expect(Math.max(...world.waha.ledger.map(({ concurrent }) => concurrent))).toBe(1);
  for (const name of names) {
    const texts = world.waha.ledger.filter(({ session }) => session === name).map(({ text }) => text);
    const planned = plan.filter(({ sessionId }) => sessionId === name).map(({ content }) => content);
    expect(texts).toEqual(planned);
  }
});
