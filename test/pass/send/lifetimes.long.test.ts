import type { Document } from "mongodb";
import { expect, onTestFinished, test } from "vitest";
import { Stalls } from "../../../dev/chaos/stalls.ts";
import { recordCommands } from "../../support/commands.ts";
import { ago, createWorld, type World } from "../../support/world.ts";

/*
 * What a pass holds, and for how long. A pass of twelve seconds has lifetimes of a fifth: leases of 4 s, renewed every
 * second, and claims of 3 s.
 */
const SHORT = { PASS_SECONDS: "12", TAIL_SECONDS: "1" };

const leaseOf = (world: World, session = "default") =>
  world.scheduler.findOne({ _id: `session:${session}` as never });

const inMs = (moment: Date) => moment.getTime() - Date.now();

/** What a pass left that died: a lease with some time to go, and claims that end a second before it. */
async function insertDeadPass(world: World, seconds: number, claimed: Document[]): Promise<void> {
  const expiresAt = ago(-seconds);
  await world.scheduler.insertOne({ _id: "session:default" as never, passId: "dead", expiresAt });
  const delivery = { state: "claimed", passId: "dead", claimedAt: ago(1), claimExpiresAt: ago(1 - seconds) };
  if (claimed.length === 0) return;
  await world.insert(...claimed.map((fields) => ({ ...fields, isPicked: true, delivery })));
}

const textsOf = (world: World) => world.waha.ledger.map(({ text }) => text);

test("a POST that outlasts two leases is covered by its own, which is renewed, and no other pass sends beside it", async () => {
  // Leases of 6.7 s, and time for a busy machine to send one more.
  const world = await createWorld({}, { ...SHORT, PASS_SECONDS: "20" });
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "sendLate", ms: 14_000 } });
  await world.insert({ content: "slow", scheduledAt: ago(20) });
  const passing = world.pass();
  await world.waha.received("sendText", 1);
  await world.insert({ content: "later" });
  const [other] = await Promise.all([
    world.pass(),
    expect.poll(async () => inMs((await leaseOf(world))?.expiresAt), { timeout: 13_000 }).toBeLessThan(5_500),
  ]);
  expect(other).toMatchObject({ claimed: 0, more: true });
  expect(await passing).toMatchObject({ sent: 2 });
  expect(textsOf(world)).toEqual(["slow", "later"]);
  expect(Math.max(...world.waha.ledger.map(({ concurrent }) => concurrent))).toBe(1);
});

test("the renewal carries when the last message was posted, should the pass die", async () => {
  const world = await createWorld({}, { ...SHORT, SEND_GAP_MS: "2500" });
  await world.insert({}, {});
  const passing = world.pass();
  await world.waha.accepted(1);
  await expect.poll(async () => (await leaseOf(world))?.lastSentAt).toBeInstanceOf(Date);
  expect((await leaseOf(world))?.expiresAt.getTime()).toBeGreaterThan(Date.now());
  await passing;
});

test("a lease that another pass has taken stops the session: what waits is given back unsent", async () => {
  const world = await createWorld({}, SHORT);
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "sendLate", ms: 2_500 } });
  const [, second] = await world.insert({ scheduledAt: ago(20) }, {});
  const passing = world.pass();
  await world.waha.received("sendText", 1);
  await world.scheduler.updateOne(
    { _id: "session:default" as never },
    { $set: { passId: "other", expiresAt: ago(-30) } },
  );
  expect(await passing).toMatchObject({ sent: 1, more: true });
  expect(world.waha.requestCount({ route: "sendText" })).toBe(1);
  expect(await world.find(second)).toMatchObject({
    isPicked: false,
    delivery: { state: "released", error: { code: "claim_ran_out" } },
  });
  expect(await leaseOf(world)).toMatchObject({ passId: "other" });
});

test("a POST is cut off before the end of a lease that can't be renewed, and that lease runs out", async () => {
  const world = await createWorld({}, { ...SHORT, PASS_SECONDS: "30", RECONCILE_AFTER_SECONDS: "60" });
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "delay", ms: 60_000 } });
  const [id] = await world.insert({});
  const stalls = new Stalls();
  onTestFinished(() => stalls.stop());
  const passing = world.pass();
  await world.waha.received("sendText", 1);
  // The renewals of this lease match nothing, and it can't be given back.
  const lease = await world.scheduler.findOneAndUpdate(
    { _id: "session:default" as never },
    { $set: { passId: "pass" } },
  );
  const expiresAt = lease?.expiresAt as Date;
  await expect.poll(async () => (await world.find(id)).delivery.error?.code).toBe("lease_ran_out");
  const { delivery } = await world.find(id);
  const stoodStillMs = Math.max(0, ...stalls.spans.map(([from, to]) => to - from));
  expect(delivery.error.at.getTime()).toBeLessThan(expiresAt.getTime() + stoodStillMs);
  await passing;
  expect((await leaseOf(world))?.expiresAt).toEqual(expiresAt);
});

test("a lease under which a POST was cut off is not given back at the end of the pass", async () => {
  const world = await createWorld({}, { ...SHORT, WAHA_TIMEOUT_MS: "2000" });
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "delay", ms: 60_000 } });
  await world.insert({});
  const began = Date.now();
  await world.pass();
  expect((await leaseOf(world))?.expiresAt.getTime()).toBeGreaterThan(began + 4_000);
});

test("what did not start before its claim ended is given back, and sent by the same pass in order", async () => {
  const world = await createWorld({}, { ...SHORT, PASS_SECONDS: "24" });
  // The first answer takes longer than the claims of those behind it last.
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "sendLate", ms: 7_000 } });
  const texts = ["one", "two", "three"];
  await world.insert(...texts.map((content, place) => ({ content, scheduledAt: ago(30 - place) })));
  const passing = world.pass();
  await world.waha.received("sendText", 1);
  await world.insert({ content: "four" });
  expect(await passing).toMatchObject({
    ok: true,
    claimed: 6,
    sent: 4,
    released: 2,
    more: false,
    errors: [{ code: "claim_ran_out", count: 2 }],
  });
  expect(textsOf(world)).toEqual([...texts, "four"]);
});

test("what a dead pass had claimed is sent as soon as its lease has run out, before what is due after it", async () => {
  const world = await createWorld({}, SHORT);
  await insertDeadPass(world, 1.5, [
    { content: "one", scheduledAt: ago(30) },
    { content: "two", scheduledAt: ago(29) },
  ]);
  await world.insert({ content: "three", scheduledAt: ago(28) });
  expect(await world.pass()).toMatchObject({ ok: true, rescued: 2, sent: 3, more: false });
  expect(textsOf(world)).toEqual(["one", "two", "three"]);
});

/** What a pass asked the database from taking its leases to its first claim, in order. */
async function betweenLeaseAndClaim(world: World): Promise<string[]> {
  const commands = recordCommands(world);
  await world.insert({});
  await world.pass();
  const texts = commands.map(({ collection, command, name }) => ({
    what: `${name} ${collection}`,
    text: JSON.stringify(command),
  }));
  const lease = texts.findIndex(
    ({ text, what }) => what === "update scheduler" && text.includes("takenOver"),
  );
  const claim = texts.findIndex(({ text }) => text.includes('"state":"claimed","passId"'));
  return texts
    .slice(lease + 1, claim)
    .filter(({ text, what }) => what === "update messages" || text.includes("$firstN"))
    .map(({ what }) => what);
}

test("a lease that had run out is followed by a rescue and another survey before anything is claimed", async () => {
  const world = await createWorld({}, SHORT);
  await insertDeadPass(world, -1, []);
  expect(await betweenLeaseAndClaim(world)).toEqual(["update messages", "aggregate messages"]);
});

test("a lease that was given back is followed by the claim", async () => {
  const world = await createWorld({}, SHORT);
  await world.insert({});
  await world.pass();
  expect(await betweenLeaseAndClaim(world)).toEqual([]);
});

test("with a long pause one message at a time is claimed, when its pause is nearly over", async () => {
  const world = await createWorld({}, { SEND_GAP_MS: "6000", PASS_SECONDS: "30", TAIL_SECONDS: "10" });
  const [first, second] = await world.insert({ scheduledAt: ago(20) }, {}, {});
  const passing = world.pass();
  await world.waha.accepted(1);
  await expect.poll(async () => (await world.find(first)).delivery.state).toBe("sent");
  expect(await world.find(second)).not.toHaveProperty("delivery");
  await world.waha.accepted(3);
  expect(await passing).toMatchObject({ claimed: 3, sent: 3, released: 0 });
  const at = world.waha.ledger.map(({ receivedAt }) => receivedAt.getTime());
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(6_000);
});

test("a host that stops gets claims and leases back at once, and the next pass has them", async () => {
  const world = await createWorld({}, SHORT);
  world.waha.addFault({ match: { route: "sendText" }, times: 1, action: { type: "sendLate", ms: 300 } });
  await world.insert({ content: "one", scheduledAt: ago(30) }, { content: "two", scheduledAt: ago(29) });
  const host = new AbortController();
  const passing = world.pass({ stop: host.signal });
  await world.waha.received("sendText", 1);
  host.abort();
  expect(await passing).toMatchObject({ sent: 1, released: 1 });
  expect((await leaseOf(world))?.expiresAt.getTime()).toBe(0);
  expect(await world.pass()).toMatchObject({ sent: 1 });
});
