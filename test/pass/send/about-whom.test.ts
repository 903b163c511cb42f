import { expect, test } from "vitest";
import { gowsError, WEBJS_ERRORS } from "../../../dev/waha-simulator/engine-errors.ts";
import type { FaultAction } from "../../../dev/waha-simulator/faults.ts";
import type { Summary } from "../../../lib/monitoring/report.ts";
import { ago, createWorld, type World } from "../../support/world.ts";

/** When WAHA tells of restricted accounts. */
const TELLS = { engine: "GOWS", version: "2026.7.2" } as const;

const REFUSED: FaultAction = { type: "gowsRefusal", code: 400 };
const BAD_REQUEST: FaultAction = { type: "status", status: 400, body: { statusCode: 400, message: "x" } };

/** Inserts messages m0, m1 and so on, the oldest first. */
function insertMany(world: World, count: number, fields: (n: number) => object = () => ({})) {
  return world.insert(
    ...Array.from({ length: count }, (_, n) => ({
      content: `m${n}.`,
      scheduledAt: ago(90 - n),
      ...fields(n),
    })),
  );
}

/** A fault that meets the messages of these numbers. */
function meet(world: World, numbers: number[], action: FaultAction): void {
  for (const n of numbers)
    world.waha.addFault({ match: { route: "sendText", textIncludes: `m${n}.` }, action });
}

const posts = (world: World) => world.waha.requestCount({ route: "sendText" });

/** How many messages are in which state, and why. */
async function states(world: World): Promise<Record<string, number>> {
  const found = await world.messages.find().toArray();
  const counts: Record<string, number> = {};
  for (const { delivery } of found) {
    const key = [delivery?.state ?? "none", delivery?.error?.code].filter(Boolean).join(" ");
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

const codes = ({ errors }: Summary) => errors.map(({ code }) => code);
const countsOf = ({ errors }: Summary) => Object.fromEntries(errors.map(({ code, count }) => [code, count]));

/** As if the rest of a session were over. */
async function endRest(world: World): Promise<void> {
  const resting = { _id: "session:default" as never };
  await world.scheduler.updateOne(resting, { $set: { suspendedUntil: ago(1) } });
}

/** For how many seconds a session rests from now on; 0 if it does not. */
async function restOf(world: World): Promise<number> {
  const lease = await world.scheduler.findOne({ _id: "session:default" as never });
  return lease?.suspendedUntil ? Math.round((lease.suspendedUntil.getTime() - Date.now()) / 1000) : 0;
}

/** As if what a pass settled had been settled before the next one. */
const settleEarlier = (world: World) =>
  world.messages.updateMany(
    { "delivery.settledAt": { $exists: true } },
    { $set: { "delivery.settledAt": ago(30) } },
  );

test("GOWS, five numbers not on WhatsApp: one pass sends the other 45, and nothing is paused", async () => {
  const world = await createWorld({ engine: "GOWS" });
  await insertMany(world, 50);
  meet(world, [0, 1, 2, 3, 30], gowsError("numberNotFound"));
  expect(await world.pass()).toMatchObject({ sent: 45, failed: 5, released: 0, more: false });
  expect(await states(world)).toEqual({ sent: 45, "failed number_not_found": 5 });
  expect(posts(world)).toBe(50);
  expect(await restOf(world)).toBe(0);
});

test.each([
  ["WhatsApp's error 400", "whatsapp_refused", REFUSED],
  ["400", "waha_bad_request", BAD_REQUEST],
])(
  "GOWS, %s to everything until a restart: three POSTs, none fails, and after the restart all goes out",
  async (_name, code, action) => {
    const world = await createWorld({ engine: "GOWS" });
    await insertMany(world, 50);
    world.waha.addFault({ match: { route: "sendText" }, action });
    const first = await world.pass();
    expect(first).toMatchObject({ ok: false, sent: 0, failed: 0, released: 10, more: true });
    // What was not claimed any more says so as well, and is counted once.
    expect(countsOf(first)).toMatchObject({ [code]: 3, session_sick: 47 });
    expect(await states(world)).toEqual({ [`released ${code}`]: 3, "released session_sick": 47 });
    expect(posts(world)).toBe(3);
    expect(await restOf(world)).toBeGreaterThan(50);
    expect(await restOf(world)).toBeLessThanOrEqual(60);
    // While it rests nothing is claimed, and all that waits says why.
    await settleEarlier(world);
    expect(await world.pass()).toMatchObject({ claimed: 0, sent: 0, failed: 0 });
    expect(await states(world)).toEqual({ "released session_sick": 50 });
    expect(posts(world)).toBe(3);
    // Each time one message finds out whether it works again.
    for (const [probes, seconds] of [
      [1, 300],
      [2, 900],
      [3, 900],
    ] as const) {
      await endRest(world);
      await settleEarlier(world);
      expect(await world.pass()).toMatchObject({ sent: 0, failed: 0 });
      expect(posts(world)).toBe(3 + probes);
      expect(await restOf(world)).toBeGreaterThan(seconds - 10);
      expect(await restOf(world)).toBeLessThanOrEqual(seconds);
    }
    world.waha.clearFaults();
    await endRest(world);
    await settleEarlier(world);
    expect(await world.pass()).toMatchObject({ sent: 50, failed: 0 });
    expect(await world.scheduler.findOne({ _id: "session:default" as never })).not.toHaveProperty("strikes");
  },
);

test("GOWS, one 463 and no restriction of the account: its message fails, and 49 are sent", async () => {
  for (const version of ["2026.7.1", "2026.7.2"]) {
    const world = await createWorld({ engine: "GOWS", version });
    await insertMany(world, 50);
    meet(world, [7], { type: "gowsRefusal", code: 463 });
    expect(await world.pass()).toMatchObject({ sent: 49, failed: 1, released: 0 });
    expect(await states(world)).toEqual({ sent: 49, "failed whatsapp_refused": 1 });
    expect(posts(world)).toBe(50);
  }
});

test("463 to several chats is no sign of a sick session where WAHA says that the account is not restricted", async () => {
  const world = await createWorld(TELLS);
  await insertMany(world, 10);
  meet(world, [1, 2, 3, 4], { type: "gowsRefusal", code: 463 });
  expect(await world.pass()).toMatchObject({ sent: 6, failed: 4, released: 0 });
});

test("GOWS, 463 and the account restricted: people's messages wait and say until when, groups' go out", async () => {
  const world = await createWorld(TELLS);
  const until = new Date(Math.ceil(Date.now() / 1000 + 900) * 1000);
  await insertMany(world, 50, (n) => (n % 2 === 0 ? {} : { chatId: `1203630412345${n}@g.us` }));
  meet(world, [0], { type: "gowsRefusal", code: 463 });
  const passing = world.pass();
  await world.waha.received("sendText", 1);
  world.waha.addSession({ name: "default", restrictedUntil: until });
  expect(await passing).toMatchObject({ sent: 25, failed: 0, released: 5 });
  expect(await states(world)).toEqual({ sent: 25, "released account_restricted": 25 });
  const [waiting] = await world.messages.find({ isSent: false }).toArray();
  expect(waiting?.delivery.error.message).toContain(until.toISOString().slice(0, 19).replace("T", " "));
  expect(posts(world)).toBe(26);
  // From now on the list of sessions says so before anything is sent.
  expect(await world.pass()).toMatchObject({ sent: 0, failed: 0 });
  expect(posts(world)).toBe(26);
  world.waha.clearFaults();
  world.waha.addSession({ name: "default", restrictedUntil: ago(1) });
  await settleEarlier(world);
  expect(await world.pass()).toMatchObject({ sent: 25 });
});

test("an account that is restricted without a time waits until WAHA says otherwise", async () => {
  const world = await createWorld({ ...TELLS, sessions: [{ name: "default", restrictedUntil: null }] });
  await insertMany(world, 3);
  expect(await world.pass()).toMatchObject({
    ok: false,
    claimed: 0,
    errors: [{ code: "account_restricted", count: 3 }],
  });
  expect(await states(world)).toEqual({ "released account_restricted": 3 });
  expect(posts(world)).toBe(0);
  world.waha.addSession({ name: "default" });
  expect(await world.pass()).toMatchObject({ sent: 3 });
});

test("463 by a WAHA that is too old to tell: the second in a row has the session rest for an hour, over passes", async () => {
  const world = await createWorld({ engine: "GOWS", version: "2026.7.1" });
  await insertMany(world, 2);
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "gowsRefusal", code: 463 } });
  world.env.SEND_GAP_MS = "60000";
  expect(await world.pass()).toMatchObject({ sent: 0, failed: 1 });
  expect(await restOf(world)).toBe(0);
  world.env.SEND_GAP_MS = "0";
  expect(await world.pass()).toMatchObject({ failed: 0, released: 1 });
  expect(posts(world)).toBe(2);
  expect(await restOf(world)).toBeGreaterThan(3_500);
  expect(await states(world)).toEqual({ "failed whatsapp_refused": 1, "released account_restricted": 1 });
});

test("GOWS, throttled from the tenth on: one POST more, the rest goes back, and later passes wait longer", async () => {
  const world = await createWorld({ engine: "GOWS" });
  await insertMany(world, 50);
  meet(
    world,
    Array.from({ length: 41 }, (_, n) => n + 9),
    { type: "gowsRefusal", code: 429 },
  );
  expect(await world.pass()).toMatchObject({ sent: 9, failed: 0, released: 41 });
  expect(posts(world)).toBe(10);
  expect(await states(world)).toEqual({ sent: 9, "released session_throttled": 41 });
  for (const [passes, seconds] of [
    [1, 300],
    [2, 900],
  ] as const) {
    await endRest(world);
    await settleEarlier(world);
    expect(await world.pass()).toMatchObject({ sent: 0, failed: 0 });
    expect(posts(world)).toBe(10 + passes);
    expect(await restOf(world)).toBeGreaterThan(seconds - 10);
  }
  world.waha.clearFaults();
  await endRest(world);
  await settleEarlier(world);
  expect(await world.pass()).toMatchObject({ sent: 41 });
});

test("throttled by a proxy that names a time: the session rests until then", async () => {
  const world = await createWorld();
  await insertMany(world, 5);
  const headers = { "retry-after": "240" };
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "status", status: 429, headers } });
  expect(await world.pass()).toMatchObject({ sent: 0, failed: 0, released: 5 });
  expect(posts(world)).toBe(1);
  expect(await restOf(world)).toBeGreaterThan(230);
  expect(await restOf(world)).toBeLessThanOrEqual(240);
});

test.each(WEBJS_ERRORS)("WEBJS, a 500 about two chats: 48 are sent, two are unknown: %s", async (message) => {
  const world = await createWorld({ engine: "WEBJS" });
  await insertMany(world, 50);
  meet(world, [0, 20], { type: "exception", message });
  expect(await world.pass()).toMatchObject({ sent: 48, unknown: 2, released: 0 });
  expect(await states(world)).toEqual({ sent: 48, "unknown waha_error": 2 });
});

test("WEBJS, 500 to everything: three POSTs at most, and the rest waits for the session", async () => {
  const world = await createWorld({ engine: "WEBJS" });
  await insertMany(world, 50);
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "error500Before" } });
  expect(await world.pass()).toMatchObject({ sent: 0, unknown: 3, released: 7 });
  expect(posts(world)).toBe(3);
  expect(await states(world)).toEqual({ "unknown waha_error": 3, "released session_sick": 47 });
  expect(await world.pass()).toMatchObject({ claimed: 0 });
  await endRest(world);
  expect(await world.pass()).toMatchObject({ unknown: 1 });
  expect(posts(world)).toBe(4);
});

test("a sick WEBJS session that sends one message a pass is found, too: messages that ended count over passes", async () => {
  const world = await createWorld({ engine: "WEBJS" });
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "error500Before" } });
  for (let n = 0; n < 4; n += 1) {
    await world.insert({});
    await world.pass();
  }
  expect(posts(world)).toBe(3);
  expect(await states(world)).toEqual({ "unknown waha_error": 3, "released session_sick": 1 });
});

test("a chat that WAHA always answers 400 keeps no other message back, and fails once another is accepted", async () => {
  const world = await createWorld();
  const [poisoned] = await insertMany(world, 20);
  meet(world, [0], BAD_REQUEST);
  expect(await world.pass()).toMatchObject({ sent: 19, failed: 1, released: 0, more: true });
  expect(await world.find(poisoned)).toMatchObject({
    isPicked: true,
    isSent: false,
    delivery: { state: "failed", error: { code: "waha_bad_request" } },
  });
  await settleEarlier(world);
  expect(await world.pass()).toMatchObject({ claimed: 0, ok: true });
  expect(posts(world)).toBe(20);
});

test("alone it stays due, pass after pass, and speaks against its session in none", async () => {
  const world = await createWorld({}, { LOOKBACK_SECONDS: "600" });
  const [poisoned] = await insertMany(world, 1);
  meet(world, [0], BAD_REQUEST);
  for (let n = 0; n < 5; n += 1) {
    expect(await world.pass()).toMatchObject({ failed: 0, released: 1 });
    await settleEarlier(world);
  }
  expect(await restOf(world)).toBe(0);
  await world.insert({ content: "another" });
  expect(await world.pass()).toMatchObject({ sent: 1, failed: 1 });
  expect((await world.find(poisoned)).delivery.state).toBe("failed");
});

test("what the app has corrected since its 400 does not fail, and is tried again", async () => {
  const world = await createWorld({ latencyMs: 200 });
  const [poisoned] = await insertMany(world, 2);
  meet(world, [0], BAD_REQUEST);
  const passing = world.pass();
  await world.waha.received("sendText", 2);
  await world.messages.updateOne({ _id: poisoned as never }, { $set: { content: "corrected" } });
  expect(await passing).toMatchObject({ sent: 1, failed: 0, released: 1 });
  await settleEarlier(world);
  expect(await world.pass()).toMatchObject({ sent: 1, failed: 0 });
  expect((await world.find(poisoned)).isSent).toBe(true);
});

test("answers about either, with an accepted message between, suspend nothing", async () => {
  const world = await createWorld({ engine: "GOWS" });
  await insertMany(world, 10);
  meet(world, [0, 1, 3, 4, 6, 7], { type: "gowsRefusal", code: 403 });
  expect(await world.pass()).toMatchObject({ sent: 4, failed: 6, released: 0 });
  expect(posts(world)).toBe(10);
});

test("what is about one chat for the moment goes back, is not tried again by its pass, and the rest is sent", async () => {
  const world = await createWorld({ engine: "GOWS" });
  const ids = await insertMany(world, 10);
  meet(world, [0, 1, 2, 3], gowsError("noMembers"));
  expect(await world.pass()).toMatchObject({ sent: 6, failed: 0, released: 4 });
  expect(posts(world)).toBe(10);
  expect((await world.find(ids[0])).delivery).toMatchObject({ error: { code: "chat_unavailable" } });
  world.waha.clearFaults();
  await settleEarlier(world);
  expect(await world.pass()).toMatchObject({ sent: 4 });
});

test("what waits for a session that rests is missed with that reason", async () => {
  const world = await createWorld({ engine: "GOWS" });
  await insertMany(world, 10);
  world.waha.addFault({ match: { route: "sendText" }, action: REFUSED });
  await world.pass();
  await settleEarlier(world);
  await world.pass();
  await world.messages.updateMany({}, [
    {
      $set: {
        scheduledAt: { $subtract: ["$scheduledAt", 120_000] },
        "delivery.error.at": { $subtract: ["$delivery.error.at", 60_000] },
      },
    },
  ]);
  expect(await world.pass()).toMatchObject({ missed: 10 });
  expect(await states(world)).toEqual({ "missed session_sick": 10 });
});

test("three throttled accounts keep no other session from sending", async () => {
  const sessions = Array.from({ length: 5 }, (_, n) => ({ name: `s${n}` }));
  const world = await createWorld({ engine: "GOWS", sessions }, { SESSION_CONCURRENCY: "1" });
  for (const n of [0, 1, 2])
    world.waha.addFault({
      match: { session: `s${n}`, route: "sendText" },
      action: { type: "gowsRefusal", code: 420 },
    });
  await world.insert(...sessions.map(({ name }, n) => ({ sessionId: name, scheduledAt: ago(60 - n) })));
  expect(await world.pass()).toMatchObject({ sent: 2, released: 3 });
});

test("three bad chats that are the oldest starve no other: behind what was not refused they go", async () => {
  const world = await createWorld({ engine: "GOWS" });
  await insertMany(world, 20);
  meet(world, [0, 1, 2], { type: "gowsRefusal", code: 403 });
  expect(await world.pass()).toMatchObject({ sent: 0, failed: 0, released: 10 });
  expect(posts(world)).toBe(3);
  await endRest(world);
  await settleEarlier(world);
  // The probe is a message that was not refused; refused once more after others were accepted, the three have failed.
  expect(await world.pass()).toMatchObject({ sent: 17, failed: 3, released: 0 });
  expect(await states(world)).toEqual({ sent: 17, "failed whatsapp_refused": 3 });
  expect(posts(world)).toBe(23);
  expect(await restOf(world)).toBe(0);
});

test("the messages of one bad chat are one strike, and three POSTs a pass at most", async () => {
  const world = await createWorld({ engine: "GOWS" });
  await insertMany(world, 20, (n) => (n < 8 ? { chatId: "4917099999999@c.us" } : {}));
  meet(world, [0, 1, 2, 3, 4, 5, 6, 7], { type: "gowsRefusal", code: 403 });
  expect(await world.pass()).toMatchObject({ sent: 12, failed: 3, released: 5 });
  expect(posts(world)).toBe(15);
  expect(await restOf(world)).toBe(0);
});

test("a sick session with one chat alone loses one message a pass to what proves nothing", async () => {
  const world = await createWorld({ engine: "WEBJS" });
  await insertMany(world, 10, () => ({ chatId: "1203630412345@g.us" }));
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "error500Before" } });
  expect(await world.pass()).toMatchObject({ sent: 0, unknown: 1, released: 9 });
  expect(posts(world)).toBe(1);
});

test("with one message a pass a bad chat keeps no other back, and a sick session is found", async () => {
  const world = await createWorld({ engine: "GOWS" }, { SEND_GAP_MS: "60000", LOOKBACK_SECONDS: "600" });
  await insertMany(world, 4);
  meet(world, [0], BAD_REQUEST);
  const pauseOver = async () => {
    await world.scheduler.updateOne({ _id: "session:default" as never }, { $set: { lastSentAt: ago(600) } });
    await settleEarlier(world);
  };
  for (const sent of [0, 1, 1, 1]) {
    expect(await world.pass()).toMatchObject({ sent });
    await pauseOver();
  }
  world.waha.addFault({ match: { route: "sendText" }, action: REFUSED });
  await insertMany(world, 4);
  for (let n = 0; n < 3; n += 1) {
    expect(await restOf(world)).toBe(0);
    expect(await world.pass()).toMatchObject({ sent: 0, failed: 0 });
    await pauseOver();
  }
  expect(posts(world)).toBe(7);
  expect(await restOf(world)).toBeGreaterThan(50);
});

test("a strike of another kind begins no count anew", async () => {
  const world = await createWorld({ engine: "GOWS" });
  await insertMany(world, 10);
  const throttled = { match: { route: "sendText", textIncludes: "m2." } } as const;
  world.waha.addFault({ ...throttled, action: { type: "gowsRefusal", code: 429 }, times: 1 });
  world.waha.addFault({ match: { route: "sendText" }, action: REFUSED });
  expect(codes(await world.pass())).toContain("session_throttled");
  await endRest(world);
  await settleEarlier(world);
  // The third answer of the kind that two chats had got before.
  expect(codes(await world.pass())).toContain("session_sick");
  expect(posts(world)).toBe(4);
});

/** Thirty messages of session a, and sixty of b that keep the pass going. */
async function besideBusySession(options: object): Promise<World> {
  const world = await createWorld({ latencyMs: 30, sessions: [{ name: "a" }, { name: "b" }], ...options });
  const of = (sessionId: string, count: number) => Array.from({ length: count }, () => ({ sessionId }));
  await world.insert(...of("a", 30), ...of("b", 60));
  return world;
}

const postsOfA = (world: World) => world.waha.requestCount({ route: "sendText", session: "a" });

test("a session that an answer stopped is not opened again by its pass, also where it does not rest", async () => {
  const world = await besideBusySession({ engine: "GOWS" });
  const action = { type: "status", status: 429, headers: { "retry-after": "0" } } as const;
  world.waha.addFault({ match: { session: "a", route: "sendText" }, action });
  const passing = world.pass();
  // What was not claimed says so soon, and not only when the pass ends: its window may close before that.
  await expect.poll(() => states(world)).toMatchObject({ "released session_throttled": 30 });
  expect(world.waha.requestCount({ route: "sendText", session: "b" })).toBeLessThan(60);
  const summary = await passing;
  expect(summary).toMatchObject({ sent: 60, failed: 0, released: 10, more: true });
  expect(countsOf(summary)).toEqual({ session_throttled: 30 });
  expect(postsOfA(world)).toBe(1);
});

test("with three sessions in trouble the pass ends, and all that is due of them says why", async () => {
  const sessions = ["a", "b", "c", "d"].map((name) => ({ name }));
  const settings = { WAHA_TIMEOUT_MS: "2000", SESSION_CONCURRENCY: "3" };
  const world = await createWorld({ sessions }, settings);
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "hangBefore" } });
  await world.insert(
    ...["a", "b", "c"].flatMap((sessionId) =>
      Array.from({ length: 20 }, () => ({ sessionId, scheduledAt: ago(9) })),
    ),
    { sessionId: "d", scheduledAt: ago(1) },
  );
  // What was not claimed counts as waiting, in this pass as in the next ones, where it says so already.
  const summary = await world.pass();
  expect(summary).toMatchObject({ sent: 0, more: true, released: 27, waiting: { lease: 57, turn: 1 } });
  expect(countsOf(summary)).toMatchObject({ session_paused: 27, waha_timeout: 3 });
  const said = { "attempting waha_timeout": 3, "released session_paused": 57 };
  expect(await states(world)).toEqual({ ...said, none: 1 });
  expect(posts(world)).toBe(3);
});

test("nor where the account's state can't be read", async () => {
  const world = await besideBusySession(TELLS);
  world.waha.addFault({
    match: { session: "a", route: "sendText" },
    action: { type: "gowsRefusal", code: 463 },
  });
  const passing = world.pass();
  await world.waha.received("sendText", 1);
  world.waha.addFault({ match: { route: "sessions" }, action: { type: "status", status: 503 } });
  expect(await passing).toMatchObject({ sent: 60, failed: 0, released: 10 });
  expect(postsOfA(world)).toBe(1);
});

test.each([
  ["says nothing of the session", { status: 200, body: [] }],
  ["knows no account", { status: 200, body: [{ name: "default", status: "WORKING", me: null }] }],
  ["lacks the field", { status: 200, body: [{ name: "default", status: "WORKING", me: { id: "1@c.us" } }] }],
])("463, and WAHA's list %s: the second in a row has the session rest", async (_name, list) => {
  const world = await createWorld(TELLS);
  await insertMany(world, 5);
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "gowsRefusal", code: 463 } });
  const passing = world.pass();
  await world.waha.received("sendText", 1);
  world.waha.addFault({ match: { route: "sessions" }, action: { type: "status", ...list } });
  expect(await passing).toMatchObject({ sent: 0, failed: 1, released: 4 });
  expect(posts(world)).toBe(2);
  expect(await restOf(world)).toBeGreaterThan(3_500);
});

test.each(["noDevices", "noSessions", "noUserInfo"] as const)(
  "%s may be the session's fault, and fails no message",
  async (name) => {
    const world = await createWorld({ engine: "GOWS" });
    await insertMany(world, 10);
    meet(world, [0, 1], gowsError(name));
    expect(await world.pass()).toMatchObject({ sent: 8, failed: 0, released: 2 });
    await world.insert({}, {}, {}, {});
    world.waha.addFault({ match: { route: "sendText" }, action: gowsError(name) });
    await settleEarlier(world);
    expect(codes(await world.pass())).toContain("session_sick");
    expect(posts(world)).toBe(13);
  },
);

test("a long queue for people of a restricted account keeps no group waiting", async () => {
  const world = await createWorld({ ...TELLS, sessions: [{ name: "default", restrictedUntil: null }] });
  await insertMany(world, 700, () => ({ scheduledAt: ago(60) }));
  await insertMany(world, 5, (n) => ({ chatId: `1203630412345${n}@g.us`, scheduledAt: ago(50) }));
  expect(await world.pass()).toMatchObject({
    ...{ sent: 5, claimed: 5, released: 0 },
    errors: [{ code: "account_restricted", count: 700 }],
  });
  expect(await states(world)).toEqual({ sent: 5, "released account_restricted": 700 });
});

test("what was refused long before the session accepted a message stays due", async () => {
  const settings = { PASS_SECONDS: "16", TAIL_SECONDS: "1" };
  const world = await createWorld({ engine: "GOWS", latencyMs: 4_400 }, settings);
  const [refused] = await insertMany(world, 3);
  meet(world, [0], { type: "gowsRefusal", code: 403 });
  // It takes longer than answers are taken to speak of each other in so short a pass: four seconds.
  meet(world, [1], gowsError("noMembers", { after: true }));
  expect(await world.pass()).toMatchObject({ sent: 1, failed: 0 });
  expect((await world.find(refused)).delivery.state).toBe("released");
});

test("what waits for a restricted account is not counted once more as waiting for its session's pause", async () => {
  const sessions = [{ name: "default", restrictedUntil: null }];
  const world = await createWorld({ ...TELLS, sessions }, { SEND_GAP_MS: "60000" });
  await insertMany(world, 5, (n) => (n < 3 ? {} : { chatId: `1203630412345${n}@g.us` }));
  expect(await world.pass()).toMatchObject({
    sent: 1,
    waiting: { pause: 1, turn: 0 },
    errors: expect.arrayContaining([expect.objectContaining({ code: "account_restricted", count: 3 })]),
  });
});
