import { MaxKey } from "mongodb";
import { expect, test } from "vitest";
import { handleHealth } from "../../lib/http/health.ts";
import { createAlertedWorld } from "../support/alerted-world.ts";
import { ago, createWorld, endLeases, type World } from "../support/world.ts";

/** A database's clock that was wrong for a moment, or another program, may leave such times. */
const FAR_AHEAD = new Date("2099-01-01T00:00:00Z");

const set = (world: World, id: string, fields: object) =>
  world.scheduler.updateOne({ _id: id as never }, { $set: fields }, { upsert: true });

test.each([
  ["far ahead", FAR_AHEAD],
  ["no date, and later than each", new MaxKey()],
])(
  "a lease whose end is %s is told, lasts 20 seconds from then, and is taken after",
  async (_name, expiresAt) => {
    const world = await createWorld();
    await set(world, "session:default", { passId: "dead", takenAt: ago(60), expiresAt });
    const [id] = await world.insert({});
    const stop = new AbortController();
    const passing = world.pass({ stop: stop.signal });
    // Its holder may live, and renew it.
    const lastsMs = async () => {
      const lease = await world.scheduler.findOne({ _id: "session:default" as never });
      return lease?.expiresAt instanceof Date ? lease.expiresAt.getTime() - Date.now() : undefined;
    };
    await expect.poll(lastsMs).toBeLessThanOrEqual(20_000);
    stop.abort();
    expect(await passing).toMatchObject({ sent: 0, errors: [{ code: "time_impossible" }] });
    await endLeases(world);
    expect(await world.pass()).toMatchObject({ sent: 1, ok: true });
    expect(await world.find(id)).toMatchObject({ isSent: true });
  },
);

test("a session's last message that lies ahead costs no more than one pause, and is told", async () => {
  const world = await createWorld({}, { SEND_GAP_MS: "200" });
  const lease = { passId: "x", takenAt: ago(60), expiresAt: ago(50), lastSentAt: FAR_AHEAD };
  await set(world, "session:default", lease);
  await world.insert({}, {});
  expect(await world.pass()).toMatchObject({ sent: 2, errors: [{ code: "time_impossible", count: 1 }] });
  expect(await world.pass()).toMatchObject({ ok: true, errors: [] });
});

test("a claim that ends far ahead is rescued and sent", async () => {
  const world = await createWorld();
  const claimed = { state: "claimed", passId: "dead", claimedAt: ago(9), claimExpiresAt: FAR_AHEAD };
  const [id] = await world.insert({ isPicked: true, delivery: claimed });
  expect(await world.pass()).toMatchObject({ rescued: 1, sent: 1 });
  expect(await world.find(id)).toMatchObject({ isSent: true });
});

test("an attempt that is to be looked up far ahead is looked up now", async () => {
  const world = await createWorld();
  const attempt = {
    state: "attempting",
    passId: "dead",
    attemptAt: ago(900),
    attempts: 1,
    session: "default",
  };
  const delivery = { ...attempt, chatId: "491701@c.us", waMessageId: "A", nextLookupAt: FAR_AHEAD };
  await world.insert({ isPicked: true, delivery });
  expect(await world.pass()).toMatchObject({ unknown: 1 });
});

test.each([
  ["a look at WAHA", { seenAt: FAR_AHEAD }],
  ["a claimed notification", { "entries.0.claimedUntil": FAR_AHEAD, "entries.0.told": null }],
  ["an alert's last time", { "entries.0.lastAt": FAR_AHEAD, "entries.0.since": FAR_AHEAD }],
])("%s that lies ahead keeps people from being told of nothing", async (_what, ahead) => {
  const world = await createAlertedWorld();
  await world.waha.pause();
  await world.callAndTell();
  await world.waha.resume();
  await set(world, "alerts", ahead);
  await world.callAndTell();
  await world.callAndTell();
  expect(world.told().at(-1)).toBe("waha over");
  expect(world.alerts().at(-1)?.alerts[0]?.since).not.toBe(FAR_AHEAD.toISOString());
});

test("a last pass that ended far ahead does not hide that passes have stopped", async () => {
  const world = await createWorld();
  await world.pass();
  await set(world, "last-pass", { endedAt: FAR_AHEAD });
  expect((await handleHealth(new Request("http://localhost/api/health"), world.env)).status).toBe(503);
});
