import type { ObjectId } from "mongodb";
import { expect, onTestFinished, test } from "vitest";
import type { SystemClock } from "../../../lib/clock.ts";
import { beforeIntent } from "../../support/before-intent.ts";
import { recordCommands } from "../../support/commands.ts";
import { jumpingClock } from "../../support/jumping-clock.ts";
import { ago, createWorld, type World } from "../../support/world.ts";

/** That WAHA accepted every message exactly once, each session's in the order of their times, one at a time. */
async function expectOnceAndInOrder(world: World, count: number): Promise<void> {
  const { ledger } = world.waha;
  expect(ledger).toHaveLength(count);
  expect(new Set(ledger.map((entry) => entry.text)).size).toBe(count);
  expect(Math.max(...ledger.map((entry) => entry.concurrent))).toBe(1);
  const planned = await world.messages
    .find({})
    .sort({ scheduledAt: 1 })
    .project({ sessionId: 1, content: 1 })
    .toArray();
  const bySession = Map.groupBy(planned, (message) => message.sessionId);
  for (const [session, messages] of bySession) {
    const texts = ledger.filter((entry) => entry.session === session).map((entry) => entry.text);
    expect(texts).toEqual(messages.map((message) => message.content));
  }
  expect(await world.messages.countDocuments({ isSent: true, "delivery.state": "sent" })).toBe(count);
}

/** Holds a session's lease as another pass does that lives: it is renewed again and again. */
async function holdLease(world: World, session: string, seconds = 20): Promise<() => Promise<void>> {
  const _id = `session:${session}` as never;
  const renew = () =>
    world.scheduler.updateOne(
      { _id },
      { $set: { passId: "other", expiresAt: ago(-seconds) } },
      { upsert: true },
    );
  await renew();
  let renewing: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    renewing = renew();
  }, 100);
  const end = async () => {
    clearInterval(timer);
    await renewing;
  };
  onTestFinished(end);
  return end;
}

const SESSIONS = Array.from({ length: 20 }, (_, n) => ({ name: `s${n}` }));

test("2,000 messages over 20 sessions: two passes at once send each once, and each session's in order", async () => {
  // With fewer places than sessions neither pass can take all the sessions at its first look.
  const world = await createWorld({ sessions: SESSIONS }, { SESSION_CONCURRENCY: "10" });
  const messages = Array.from({ length: 2000 }, (_, n) => ({
    sessionId: `s${n % 20}`,
    content: `message ${n}`,
    scheduledAt: new Date(ago(60).getTime() + n),
  }));
  await world.insert(...messages);
  const [a, b] = await Promise.all([world.pass(), world.pass()]);
  expect(a.sent + b.sent).toBe(2000);
  expect(Math.min(a.sent, b.sent)).toBeGreaterThan(0);
  await expectOnceAndInOrder(world, 2000);
});

test("a pass leaves a session on which another one sends, and says that there is more", async () => {
  const world = await createWorld();
  const end = await holdLease(world, "default");
  await world.insert({});
  expect(await world.pass()).toMatchObject({ claimed: 0, more: true, errors: [] });
  await end();
  await world.scheduler.updateOne({ _id: "session:default" as never }, { $set: { expiresAt: ago(1) } });
  expect(await world.pass()).toMatchObject({ sent: 1, more: false });
});

test("a pass whose sessions are mostly another's does not look in vain again and again", async () => {
  const world = await createWorld({ sessions: [{ name: "mine", latencyMs: 100 }, { name: "theirs" }] });
  const commands = recordCommands(world);
  await holdLease(world, "theirs");
  await world.insert(...Array.from({ length: 10 }, () => ({ sessionId: "mine" })), { sessionId: "theirs" });
  expect(await world.pass()).toMatchObject({ sent: 10, more: true });
  const surveys = commands.filter(
    ({ name, command }) => name === "aggregate" && JSON.stringify(command).includes("$firstN"),
  );
  expect(surveys.length).toBeLessThanOrEqual(4);
});

test("sessions that wait for a place get it when those before them turn out to be another pass's", async () => {
  const world = await createWorld(
    { sessions: [{ name: "theirs" }, { name: "mine" }] },
    { SESSION_CONCURRENCY: "1" },
  );
  await holdLease(world, "theirs");
  await world.insert({ sessionId: "theirs", scheduledAt: ago(30) }, { sessionId: "mine" });
  expect(await world.pass()).toMatchObject({ sent: 1, more: true });
});

test("sessions whose pause outlasts the pass are not claimed for, and keep no other from sending", async () => {
  const names = ["a", "b", "c", "d", "e"];
  const settings = { SEND_GAP_MS: "90000", SESSION_CONCURRENCY: "3" };
  const world = await createWorld({ sessions: names.map((name) => ({ name })) }, settings);
  for (const name of ["a", "b", "c"]) {
    const lease = { _id: `session:${name}` as never, passId: "old", expiresAt: ago(5), lastSentAt: ago(10) };
    await world.scheduler.insertOne(lease);
  }
  await world.insert(...names.map((sessionId, place) => ({ sessionId, scheduledAt: ago(60 - place) })));
  expect(await world.pass()).toMatchObject({ claimed: 2, sent: 2, released: 0, more: true });
  expect(world.waha.ledger.map((entry) => entry.session).sort()).toEqual(["d", "e"]);
});

/** The machine's clock, but that the answer to the first question that it times takes twenty seconds longer. */
function slowly(): SystemClock {
  let readings = 0;
  return {
    // When the function is called, and when it asks; from then on the answer is there.
    monotonic: () => performance.now() + (++readings > 2 ? 20_000 : 0),
    system: () => Date.now(),
  };
}

test("a pass whose clock is wrong takes no lease that is not over, and holds its own as long as any other", async () => {
  const world = await createWorld();
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "delay", ms: 200 } });
  await world.insert({});
  const lease = { _id: "session:default" as never };
  const end = await holdLease(world, "default", 8);
  // By its clock, which is ten seconds ahead, the lease is over.
  expect(await world.pass({ hostClock: slowly() })).toMatchObject({ claimed: 0, more: true });
  await end();
  await world.scheduler.updateOne({ _id: lease._id }, { $set: { expiresAt: ago(0) } });
  const passing = world.pass({ hostClock: slowly() });
  await world.waha.received("sendText", 1);
  const held = await world.scheduler.findOne({ _id: lease._id });
  // Leases are by the database's own clock.
  const leftMs = held?.expiresAt.getTime() - Date.now();
  expect(leftMs).toBeGreaterThan(15_000);
  expect(leftMs).toBeLessThan(20_500);
  expect(await passing).toMatchObject({ sent: 1 });
});

test("leases are given back at the end of a pass", async () => {
  const world = await createWorld();
  await world.insert({});
  await world.pass();
  const lease = await world.scheduler.findOne({ _id: "session:default" as never });
  expect(lease?.expiresAt.getTime()).toBeLessThanOrEqual(Date.now());
  expect(lease?.lastSentAt).toEqual(expect.any(Date));
});

test("one long queue never keeps the others out: more sessions than places take turns", async () => {
  const world = await createWorld(
    { sessions: [{ name: "long", latencyMs: 20 }, { name: "a" }, { name: "b" }] },
    { SESSION_CONCURRENCY: "1" },
  );
  await world.insert(...Array.from({ length: 120 }, () => ({ sessionId: "long", scheduledAt: ago(60) })));
  await world.insert({ sessionId: "a", scheduledAt: ago(5) }, { sessionId: "b", scheduledAt: ago(4) });
  expect(await world.pass()).toMatchObject({ sent: 122 });
  const order = world.waha.ledger.map((entry) => entry.session);
  // The first turn of the long queue, then both others, then the rest of it.
  expect(order.lastIndexOf("b")).toBeLessThan(order.lastIndexOf("long"));
  expect(order.indexOf("a")).toBeLessThan(100);
});

test("what a pass that died had claimed is sent by the next one, and ends as missed once its window closed", async () => {
  const world = await createWorld();
  const dead = { state: "claimed", passId: "dead", claimedAt: ago(70), claimExpiresAt: ago(20), attempts: 0 };
  const [inside, outside] = await world.insert(
    { isPicked: true, delivery: dead, scheduledAt: ago(75) },
    { isPicked: true, delivery: dead, scheduledAt: ago(180) },
  );
  expect(await world.pass()).toMatchObject({ rescued: 2, sent: 1 });
  expect(await world.find(inside)).toMatchObject({ isSent: true });
  await world.pass();
  expect(await world.find(outside)).toMatchObject({
    isPicked: true,
    delivery: { state: "missed", error: { code: "pass_died" } },
  });
});

test("a pass that was frozen before its intent, and rescued meanwhile, posts nothing when it goes on", async () => {
  const world = await createWorld();
  const [id] = await world.insert({});
  // Frozen, for the others, is a pass whose intent does not arrive.
  const frozen = Promise.withResolvers<void>();
  const thawed = Promise.withResolvers<void>();
  await beforeIntent(world, () => {
    frozen.resolve();
    return thawed.promise;
  });
  const zombie = world.pass();
  await frozen.promise;
  await world.messages.updateOne({ _id: id as ObjectId }, { $set: { "delivery.claimExpiresAt": ago(1) } });
  await world.scheduler.updateMany({}, { $set: { expiresAt: ago(1) } });
  expect(await world.pass()).toMatchObject({ rescued: 1, sent: 1 });
  const settled = await world.find(id);
  thawed.resolve();
  expect(await zombie).toMatchObject({ claimed: 1, sent: 0 });
  expect(world.waha.ledger).toHaveLength(1);
  expect(await world.find(id)).toEqual(settled);
});

test("a message deleted after its claim is not sent", async () => {
  const world = await createWorld();
  const [id] = await world.insert({});
  await beforeIntent(world, () =>
    world.messages.updateOne({ _id: id as ObjectId }, { $set: { isDeleted: true } }),
  );
  expect(await world.pass()).toMatchObject({
    ok: true,
    sent: 0,
    released: 1,
    errors: [{ code: "message_changed" }],
  });
  expect(world.waha.ledger).toHaveLength(0);
});

test("a message edited after its claim goes out with its new text, in the next pass", async () => {
  const world = await createWorld();
  const [id] = await world.insert({ content: "old" });
  await beforeIntent(world, () =>
    world.messages.updateOne({ _id: id as ObjectId }, { $set: { content: "new" } }),
  );
  await world.pass();
  await world.pass();
  expect(world.waha.ledger.map((entry) => entry.text)).toEqual(["new"]);
});

test("a pass whose time is up starts no send, and gives back what it claimed", async () => {
  const world = await createWorld({}, { PASS_SECONDS: "40", TAIL_SECONDS: "10" });
  await world.insert({ content: "first", scheduledAt: ago(20) }, { content: "second" });
  const hostClock = jumpingClock();
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "delay", ms: 200 } });
  const passing = world.pass({ hostClock });
  await world.waha.received("sendText", 1);
  hostClock.jump(31_000);
  expect(await passing).toMatchObject({
    claimed: 2,
    sent: 1,
    released: 1,
    more: true,
    errors: [{ code: "out_of_time" }],
  });
  expect(world.waha.ledger.map((entry) => entry.text)).toEqual(["first"]);
  // It was given back at a time that has not come yet for a clock that did not jump.
  await world.messages.updateMany({}, { $set: { "delivery.settledAt": ago(1) } });
  expect(await world.pass()).toMatchObject({ sent: 1 });
});

test("a pass whose time runs out while the intent is written does not post, and gives the message back", async () => {
  const world = await createWorld({}, { PASS_SECONDS: "40", TAIL_SECONDS: "10" });
  const [id] = await world.insert({});
  const hostClock = jumpingClock();
  await beforeIntent(world, () => hostClock.jump(31_000));
  expect(await world.pass({ hostClock })).toMatchObject({
    sent: 0,
    released: 1,
    errors: [{ code: "out_of_time" }],
  });
  expect(await world.find(id)).toMatchObject({
    isPicked: false,
    delivery: { state: "released", attempts: 1 },
  });
  expect(world.waha.requestCount({ route: "sendText" })).toBe(0);
});

test("an intent that is refused since the claim has expired is told as want of time, not as somebody's change", async () => {
  const world = await createWorld({}, { PASS_SECONDS: "40", TAIL_SECONDS: "10" });
  const [id] = await world.insert({});
  const hostClock = jumpingClock();
  await beforeIntent(world, async () => {
    await world.messages.updateOne({ _id: id as ObjectId }, { $set: { "delivery.claimExpiresAt": ago(1) } });
    hostClock.jump(31_000);
  });
  expect(await world.pass({ hostClock })).toMatchObject({
    ok: false,
    released: 1,
    errors: [{ code: "out_of_time" }],
  });
  expect(await world.find(id)).toMatchObject({ isPicked: false, delivery: { attempts: 0 } });
});

test.each(["stood still", "went on"])(
  "a machine that sleeps for an hour between claim and intent, while its clock %s, posts nothing an hour late",
  async (clock) => {
    const world = await createWorld();
    const [id] = await world.insert({});
    const hostClock = jumpingClock();
    await beforeIntent(world, async () => {
      const over = { "delivery.claimExpiresAt": ago(3_585) };
      await world.messages.updateOne({ _id: id as ObjectId }, { $set: over });
      await world.scheduler.updateOne({ passId: { $exists: true } }, { $set: { expiresAt: ago(3_580) } });
      if (clock === "went on") hostClock.jump(3_600_000);
    });
    expect(await (await world.call("", { hostClock })).json()).toMatchObject({ sent: 0, released: 1 });
    await world.messages.updateOne({ _id: id as ObjectId }, { $set: { scheduledAt: ago(3_600) } });
    expect(await world.pass()).toMatchObject({ sent: 0, missed: 1 });
    expect(world.waha.requestCount({ route: "sendText" })).toBe(0);
  },
);

test("a pass whose time runs out while it takes its leases claims nothing", async () => {
  const world = await createWorld({}, { PASS_SECONDS: "40", TAIL_SECONDS: "10" });
  const commands = recordCommands(world);
  const lease = { _id: "session:default" as never, passId: "old", expiresAt: ago(5), lastSentAt: ago(10) };
  await world.scheduler.insertOne(lease);
  const [id] = await world.insert({});
  const leased = () =>
    commands.some(({ name, collection }) => name === "update" && collection === "scheduler");
  const hostClock = {
    monotonic: () => performance.now() + (leased() ? 31_000 : 0),
    system: () => Date.now(),
  };
  expect(await world.pass({ hostClock })).toMatchObject({ claimed: 0, released: 0, more: true });
  expect(await world.find(id)).not.toHaveProperty("delivery");
});

test("a host that stops ends the pass after what is under way", async () => {
  const world = await createWorld();
  await world.insert({ content: "first", scheduledAt: ago(20) }, { content: "second" });
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "delay", ms: 200 } });
  const host = new AbortController();
  const passing = world.pass({ stop: host.signal });
  await world.waha.received("sendText", 1);
  host.abort();
  expect(await passing).toMatchObject({ sent: 1, released: 1 });
  const states = await world.messages.distinct("delivery.state");
  expect(states.sort()).toEqual(["released", "sent"]);
});
