import { ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { ago, createWorld, WAHA_KEY } from "../../support/world.ts";

test("sends what is due once, in order, and records it", async () => {
  const world = await createWorld();
  const [second, first] = await world.insert(
    { content: "two", scheduledAt: ago(15) },
    { content: "one", scheduledAt: ago(20) },
  );
  const summary = await world.pass();
  expect(summary).toMatchObject({ ok: true, claimed: 2, sent: 2, more: false, errors: [] });
  expect(summary.latenessMs.max).toBeGreaterThanOrEqual(20_000);
  expect(world.waha.ledger.map((entry) => entry.text)).toEqual(["one", "two"]);
  expect(await world.find(first)).toMatchObject({
    isSent: true,
    isPicked: true,
    sentAt: expect.any(Date),
    delivery: { state: "sent", passId: summary.passId, attempts: 1, waMessageId: world.waha.ledger[0]?.id },
  });
  expect(await world.pass()).toMatchObject({ claimed: 0 });
  expect(world.waha.ledger).toHaveLength(2);
  expect((await world.find(second)).delivery).not.toHaveProperty("claimExpiresAt");
});

test("the intent is acknowledged before the POST, under the id that the POST gives", async () => {
  const world = await createWorld();
  const remove = world.waha.addFault({ match: { route: "sendText" }, action: { type: "delay", ms: 60_000 } });
  const [id] = await world.insert({});
  const passing = world.pass();
  await world.waha.received("sendText", 1);
  const { delivery } = await world.find(id);
  expect(delivery).toMatchObject({ state: "attempting", session: "default", attempts: 1 });
  await world.waha.accepted(1);
  expect(world.waha.ledger[0]?.givenId).toBe(delivery.waMessageId);
  remove();
  await world.waha.stop();
  await passing;
});

test("documents as Prisma writes them (string ids, nulls) are sent", async () => {
  const world = await createWorld({ sessions: [{ name: "sales" }] });
  const sessionId = new ObjectId().toHexString();
  const campaignId = new ObjectId().toHexString();
  await world.sessions.insertOne({ _id: sessionId as never, name: "sales" });
  await world.campaigns.insertOne({ _id: campaignId as never, name: "Spring", sessionId, status: null });
  const [direct, through] = await world.insert(
    { _id: "m1", sessionId, campaignId, sentAt: null, delivery: null },
    { _id: "m2", sessionId: null, campaignId, sentAt: null, delivery: null },
  );
  expect(await world.pass()).toMatchObject({ ok: true, sent: 2, campaignsCompleted: 1 });
  expect(world.waha.ledger.map((entry) => entry.session)).toEqual(["sales", "sales"]);
  for (const id of [direct, through]) expect(await world.find(id)).toMatchObject({ isSent: true });
});

test("documents as Mongoose writes them (ObjectIds, absent fields) are sent, in whichever form the reference is", async () => {
  const world = await createWorld({ sessions: [{ name: "sales" }] });
  const [sessionId, campaignId] = [new ObjectId(), new ObjectId()];
  await world.sessions.insertOne({ _id: sessionId, name: "sales" });
  await world.campaigns.insertOne({ _id: campaignId, sessionId: sessionId.toHexString() });
  await world.insert({ campaignId }, { campaignId: campaignId.toHexString() }, { sessionId });
  expect(await world.pass()).toMatchObject({ ok: true, sent: 3, campaignsCompleted: 1 });
  expect(await world.campaigns.findOne({})).toMatchObject({
    status: "completed",
    delivery: { counts: { total: 2, sent: 2 } },
  });
});

test("WAHA Core with only 'default' and no sessions collection serves", async () => {
  const world = await createWorld(
    { tier: "CORE", engine: "WEBJS", version: "2024.10.8" },
    { WAHA_DEFAULT_SESSION: "" },
  );
  await world.insert({ sessionId: "default" });
  expect(await world.pass()).toMatchObject({ ok: true, sent: 1 });
});

test("bare digits go to the phone's chat, and other kinds of chat go out as they are", async () => {
  const world = await createWorld();
  await world.insert(
    { chatId: "491701234567" },
    { chatId: "120363012345678901@g.us" },
    { chatId: "123456789012@lid" },
  );
  await world.pass();
  expect(world.waha.ledger.map((entry) => entry.chatId)).toEqual([
    "491701234567@c.us",
    "120363012345678901@g.us",
    "123456789012@lid",
  ]);
});

test("one bad message fails with a reason and stops none of the others", async () => {
  const world = await createWorld();
  const [bad, good] = await world.insert({ chatId: "call me", scheduledAt: ago(20) }, {});
  expect(await world.pass()).toMatchObject({
    ok: false,
    sent: 1,
    failed: 1,
    errors: [{ code: "invalid_message" }],
  });
  expect(await world.find(good)).toMatchObject({ isSent: true });
  expect(await world.find(bad)).toMatchObject({
    isSent: false,
    isPicked: true,
    delivery: {
      state: "failed",
      error: { code: "invalid_message", message: expect.stringContaining("chatId") },
    },
  });
  expect(world.waha.requestCount({ route: "sendText" })).toBe(1);
});

test("an app that corrects a failed message and sets isPicked back gets it sent", async () => {
  const world = await createWorld();
  const [id] = await world.insert({ chatId: "call me" });
  await world.pass();
  await world.messages.updateOne(
    { _id: id as ObjectId },
    { $set: { chatId: "491701234567@c.us", isPicked: false } },
  );
  expect(await world.pass()).toMatchObject({ sent: 1 });
  expect((await world.find(id)).delivery).not.toHaveProperty("error");
});

test("messages of the engines' every shape end with WhatsApp's raw id", async () => {
  const world = await createWorld({
    sessions: [
      { name: "noweb", engine: "NOWEB" },
      { name: "gows", engine: "GOWS" },
      { name: "webjs", engine: "WEBJS" },
    ],
  });
  const ids = await world.insert({ sessionId: "noweb" }, { sessionId: "gows" }, { sessionId: "webjs" });
  await world.pass();
  for (const id of ids) {
    const { delivery, content } = await world.find(id);
    expect(delivery.waMessageId).toBe(world.waha.ledger.find((entry) => entry.text === content)?.id);
  }
  const given = new Map(world.waha.ledger.map(({ session, givenId }) => [session, givenId]));
  expect(given.get("webjs")).toBeUndefined();
  for (const session of ["noweb", "gows"]) expect(given.get(session)).toMatch(/^3EB0[0-9A-F]{18}$/);
});

test("ids that WAHA ignores are given no more, for that session and kind of message", async () => {
  const world = await createWorld({ sessions: [{ name: "odd" }, { name: "usual" }] });
  const match = { session: "odd", route: "sendText" as const };
  world.waha.addFault({ match, times: 1, action: { type: "wrongId" } });
  const media = { kind: "image", url: "https://files.example.com/a.jpg" };
  const messages = ["odd", "odd", "usual"].map((sessionId, n) => ({ sessionId, scheduledAt: ago(60 - n) }));
  await world.insert(...messages, { sessionId: "odd", media, scheduledAt: ago(5) });
  expect(await world.pass()).toMatchObject({ sent: 4 });
  const given = (session: string) =>
    world.waha.ledger.filter((entry) => entry.session === session).map(({ givenId }) => typeof givenId);
  expect(given("odd")).toEqual(["string", "undefined", "string"]);
  expect(given("usual")).toEqual(["string"]);
});

test("without WAHA's version messages go without ids, and the summary says so", async () => {
  const world = await createWorld({ legacyVersionPath: true });
  await world.insert({});
  expect(await world.pass()).toMatchObject({ sent: 1, errors: [{ code: "waha_version_unknown" }] });
  expect(world.waha.ledger[0]?.givenId).toBeUndefined();
});

test("the pass between messages of a session lasts the gap, over passes too", async () => {
  const world = await createWorld({}, { SEND_GAP_MS: "300" });
  await world.insert({}, {});
  await world.pass();
  await world.insert({});
  await world.pass();
  const at = world.waha.ledger.map((entry) => entry.receivedAt.getTime());
  expect(at).toHaveLength(3);
  for (const [index, time] of at.entries()) {
    if (index > 0) expect(time - (at[index - 1] ?? 0)).toBeGreaterThanOrEqual(295);
  }
});

test("with a gap no more is claimed than can soon be sent", async () => {
  const world = await createWorld({}, { SEND_GAP_MS: "1000", PASS_SECONDS: "60", TAIL_SECONDS: "55" });
  await world.insert(...Array.from({ length: 60 }, () => ({})));
  expect((await world.pass()).claimed).toBeLessThan(10);
});

test("WAHA is asked for its sessions and its version once a pass, and each message costs a POST", async () => {
  const world = await createWorld({ apiKey: WAHA_KEY });
  await world.insert({}, {}, {});
  await world.pass();
  const counts = ["sessions", "version", "sendText"].map((route) =>
    world.waha.requestCount({ route: route as "sessions" }),
  );
  expect(counts).toEqual([1, 1, 3]);
});
