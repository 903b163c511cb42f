import { expect, test } from "vitest";
import type { FaultAction as Action } from "../../../dev/waha-simulator/faults.ts";
import { ago, createWorld, endLeases, makePast } from "../../support/world.ts";

/** Answers that prove that nothing was sent: the message is given back and says why, and a later pass sends it. */
const UNSENT: [code: string, action: Action][] = [
  ["waha_key_refused", { type: "status", status: 401, body: { statusCode: 401, message: "Unauthorized" } }],
  [
    "session_not_found",
    { type: "status", status: 404, body: { message: "We didn't find a session with name 'default'." } },
  ],
  [
    "session_not_working",
    { type: "status", status: 422, body: { error: "Session status is not as expected. Try again" } },
  ],
  [
    "waha_core_default_only",
    { type: "status", status: 422, body: { message: "WAHA Core support only 'default' session" } },
  ],
  ["waha_key_refused", { type: "status", status: 403, body: { message: "Forbidden resource" } }],
  ["waha_bad_answer", { type: "status", status: 405 }],
  ["waha_bad_answer", { type: "status", status: 404, body: { message: "Cannot POST /api/sendText" } }],
  ["waha_unreachable", { type: "status", status: 521, headers: { server: "cloudflare" } }],
  ["waha_unreachable", { type: "status", status: 523, headers: { server: "cloudflare" } }],
  [
    "waha_redirect",
    { type: "status", status: 308, headers: { location: "https://elsewhere.example/api/sendText" } },
  ],
];

test.each(UNSENT)("%s: proven unsent, released, and sent by the next pass", async (code, action) => {
  const world = await createWorld();
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action });
  const [first, second] = await world.insert({ scheduledAt: ago(20) }, {});
  const summary = await world.pass();
  expect(summary).toMatchObject({
    ok: false,
    sent: 0,
    released: 2,
    more: true,
    errors: [{ code, count: 2 }],
  });
  for (const id of [first, second]) {
    expect(await world.find(id)).toMatchObject({
      isSent: false,
      isPicked: false,
      delivery: { state: "released", error: { code } },
    });
  }
  expect(world.waha.requestCount({ route: "sendText" })).toBe(1);
  expect(await world.pass()).toMatchObject({ ok: true, sent: 2 });
  expect(world.waha.ledger).toHaveLength(2);
});

/** Answers that prove nothing: never a second POST, however many passes follow. `accepted`: WAHA had sent it. */
const UNPROVEN: [code: string, accepted: number, action: Action][] = [
  ["waha_connection_lost", 0, { type: "resetBefore" }],
  ["waha_connection_lost", 1, { type: "resetAfter" }],
  ["waha_timeout", 0, { type: "hangBefore" }],
  ["waha_timeout", 1, { type: "hangAfter" }],
  ["waha_timeout", 1, { type: "sendLate", ms: 6_000 }],
  ["waha_error", 0, { type: "error500Before" }],
  ["waha_error", 1, { type: "error500After" }],
  ["waha_gateway", 0, { type: "status", status: 502, body: "<html>Bad Gateway</html>" }],
  ["waha_gateway", 1, { type: "status", status: 503, body: "", after: true }],
  ["waha_gateway", 1, { type: "status", status: 504, body: "", after: true }],
  [
    "waha_unproven",
    0,
    { type: "status", status: 404, body: { statusCode: 404, error: { message: "no such file" } } },
  ],
  ["waha_unproven", 1, { type: "status", status: 422, body: { message: "something else" }, after: true }],
  ["waha_unproven", 1, { type: "status", status: 200, body: "garbage", after: true }],
  // By its standard fetch repeats a request by itself on this answer.
  ["waha_unproven", 1, { type: "status", status: 421, after: true }],
];

test.each(UNPROVEN)(
  "%s, accepted %i: stays attempting with its reason, and is never posted again",
  async (code, accepted, action) => {
    const settings = code === "waha_timeout" ? { WAHA_TIMEOUT_MS: "2000" } : {};
    const world = await createWorld({}, settings);
    world.waha.addFault({ match: { route: "sendText" }, times: 1, action });
    const [first, second] = await world.insert(
      { content: "first", scheduledAt: ago(20) },
      { content: "second" },
    );
    const { passId, ...summary } = await world.pass();
    expect(summary).toMatchObject({ ok: false, sent: 0, released: 1 });
    expect(summary.errors.map((error) => error.code).sort()).toEqual(["session_paused", code].sort());
    expect(await world.find(first)).toMatchObject({
      isSent: false,
      isPicked: true,
      delivery: {
        state: "attempting",
        passId,
        attempts: 1,
        waMessageId: expect.any(String),
        error: { code },
      },
    });
    expect(await world.find(second)).toMatchObject({ isPicked: false, delivery: { state: "released" } });
    await endLeases(world);
    await world.pass();
    await world.waha.accepted(accepted + 1);
    const texts = world.waha.ledger.map((entry) => entry.text);
    expect(texts.filter((text) => text === "first")).toHaveLength(accepted);
    expect(world.waha.requestCount({ route: "sendText" })).toBe(2);
  },
);

test("with no id to look it up by, a message without a provable outcome is unknown at once", async () => {
  const world = await createWorld({ engine: "WEBJS" });
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "resetAfter" } });
  const [id] = await world.insert({});
  expect(await world.pass()).toMatchObject({
    ok: false,
    sent: 0,
    unknown: 1,
    errors: [{ code: "waha_connection_lost" }],
  });
  expect(await world.find(id)).toMatchObject({
    isPicked: true,
    delivery: { state: "unknown", error: { code: "waha_connection_lost" } },
  });
  expect((await world.find(id)).delivery).not.toHaveProperty("nextLookupAt");
  await world.pass();
  expect(world.waha.ledger).toHaveLength(1);
});

/** A 201 is a 201, whatever comes with it. */
const ODD_SUCCESSES: [name: string, action: Action][] = [
  ["an empty body", { type: "empty201" }],
  ["garbage", { type: "status", status: 201, body: "<<<", after: true }],
  ["a body of 20 MB", { type: "status", status: 201, bytes: 20_000_000, after: true }],
  ["a body that breaks off", { type: "resetMidAnswer" }],
];

test.each(ODD_SUCCESSES)("201 with %s: sent", async (_name, action) => {
  const world = await createWorld();
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action });
  const [id] = await world.insert({});
  expect(await world.pass()).toMatchObject({ ok: true, sent: 1 });
  expect(await world.find(id)).toMatchObject({ isSent: true, delivery: { state: "sent" } });
  await world.pass();
  expect(world.waha.ledger).toHaveLength(1);
});

test("a server that ignores the given id: sent under the id that it answers, and no more ids are asked for", async () => {
  const world = await createWorld();
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "wrongId" } });
  const [first] = await world.insert(
    { scheduledAt: ago(20) },
    { scheduledAt: ago(19) },
    { scheduledAt: ago(18) },
  );
  expect(await world.pass()).toMatchObject({ ok: true, sent: 3 });
  expect((await world.find(first)).delivery.waMessageId).toBe(world.waha.ledger[0]?.id);
  expect(world.waha.ledger.map((entry) => entry.givenId !== undefined)).toEqual([true, false, false]);
});

test("after three sessions in trouble a pass claims no more", async () => {
  const sessions = Array.from({ length: 6 }, (_, n) => ({ name: `s${n}` }));
  const world = await createWorld({ sessions }, { SESSION_CONCURRENCY: "1" });
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "error500Before" } });
  await world.insert(...sessions.map(({ name }, n) => ({ sessionId: name, scheduledAt: ago(60 - n) })));
  expect(await world.pass()).toMatchObject({ claimed: 3, more: true });
  expect(world.waha.requestCount({ route: "sendText" })).toBe(3);
});

test("WAHA that goes away during a pass: nothing is lost, and what was left goes out when it is back", async () => {
  const world = await createWorld({ latencyMs: 10 });
  await world.insert(
    ...Array.from({ length: 30 }, (_, n) => ({ content: `m${n}`, scheduledAt: ago(60 - n) })),
  );
  const passing = world.pass();
  await world.waha.accepted(5);
  await world.waha.pause();
  const summary = await passing;
  expect(summary.ok).toBe(false);
  expect(summary.sent).toBeGreaterThanOrEqual(4);
  expect((await world.call()).status).toBe(503);
  await world.waha.resume();
  await endLeases(world);
  await world.pass();
  // The one whose answer was lost is looked up.
  await makePast(world.db);
  await world.pass();
  const messages = await world.messages.find({}).toArray();
  const accepted = new Map(world.waha.ledger.map((entry) => [entry.text, entry]));
  expect(world.waha.ledger).toHaveLength(accepted.size);
  for (const { content, isSent, delivery } of messages) {
    expect([content, isSent, delivery.state]).toEqual([
      content,
      accepted.has(content),
      accepted.has(content) ? "sent" : "unknown",
    ]);
  }
});
