import { ObjectId } from "mongodb";
import { expect, test } from "vitest";
import type { DryRun } from "../../lib/pass/dry-run.ts";
import { ago, createWorld, type World } from "../support/world.ts";

/** Every document of every collection, and every index. */
async function everything(world: World): Promise<object> {
  const collections = await world.db.listCollections({}, { nameOnly: true }).toArray();
  const contents = collections.map(async ({ name }) => {
    const collection = world.db.collection(name);
    return [name, await collection.find().sort({ _id: 1 }).toArray(), await collection.indexes()] as const;
  });
  return (await Promise.all(contents)).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Something of everything that a pass would change. */
async function fill(world: World): Promise<void> {
  const open = { _id: new ObjectId(), sessionId: "second", delivery: { open: true, rev: 1 } };
  const held = { _id: new ObjectId(), sessionId: "second", status: "paused" };
  await world.campaigns.insertMany([open, held]);
  const dead = { state: "claimed", passId: "dead", claimedAt: ago(90), claimExpiresAt: ago(40) };
  const uncertain = {
    state: "attempting",
    passId: "dead",
    attempts: 1,
    session: "default",
    chatId: "4@c.us",
  };
  await world.insert(
    { scheduledAt: ago(30) },
    { scheduledAt: ago(50) },
    { sessionId: "default", scheduledAt: ago(70) },
    { campaignId: open._id, scheduledAt: ago(20) },
    { campaignId: String(open._id), scheduledAt: ago(21) },
    { campaignId: held._id },
    { campaignId: held._id },
    { sessionId: "stopped" },
    { sessionId: "nowhere" },
    { sessionId: "nowhere" },
    { scheduledAt: ago(-60) },
    { scheduledAt: ago(300) },
    { isDeleted: true },
    { isSent: true, isPicked: true, delivery: { state: "sent" } },
    { isPicked: true, delivery: dead },
    { isPicked: true, delivery: { ...uncertain, attemptAt: ago(700), nextLookupAt: ago(1) } },
    { delivery: { ...uncertain, state: "unknown", attemptAt: ago(700) } },
  );
}

const SESSIONS = [{ name: "default" }, { name: "second" }, { name: "stopped", status: "STOPPED" }];

test("a dry run reports what is due, by session, and why the rest can't be sent", async () => {
  const world = await createWorld({ sessions: SESSIONS });
  await fill(world);
  const response = await world.call("?dryRun=true");
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  const { forecast, sendable, ...report } = (await response.json()) as DryRun;
  expect(forecast.map(({ fate, count }) => [fate, count])).toContainEqual(["missed", 1]);
  expect(report).toEqual({
    dryRun: true,
    at: expect.any(String),
    due: 10,
    onHold: 2,
    errors: expect.arrayContaining([
      { code: "session_not_found", message: expect.stringContaining("nowhere"), count: 2 },
      { code: "session_not_working", message: expect.stringContaining("stopped: STOPPED"), count: 1 },
    ]),
  });
  expect(report.errors).toHaveLength(2);
  expect(sendable).toHaveLength(2);
  expect(sendable).toEqual(
    expect.arrayContaining([
      { session: "default", due: 3, oldest: expect.any(String) },
      { session: "second", due: 2, oldest: expect.any(String) },
    ]),
  );
  const [first] = await world.messages.find({ sessionId: "default" }).toArray();
  const oldest = sendable.find(({ session }) => session === "default")?.oldest;
  expect(oldest).toBe(first?.scheduledAt.toISOString());
});

test("a dry run changes nothing in the database, and only reads from WAHA", async () => {
  const world = await createWorld({ sessions: SESSIONS });
  await fill(world);
  await world.scheduler.insertOne({ _id: "session:default" as never, passId: "dead", expiresAt: ago(1) });
  const before = await everything(world);
  for (const query of ["?dryRun=true", "?dryrun=true"]) await world.call(query);
  expect(await everything(world)).toEqual(before);
  expect(world.waha.requests.every(({ method }) => method === "GET")).toBe(true);
  expect(world.waha.acceptedCount()).toBe(0);
});

test("a dry run on an empty database creates nothing in it", async () => {
  const world = await createWorld();
  const response = await world.call("?dryRun=true");
  expect(await response.json()).toMatchObject({ due: 0, sendable: [], onHold: 0, errors: [] });
  expect(await everything(world)).toEqual([]);
});

test("what a dry run reports as sendable is what the next pass sends", async () => {
  const world = await createWorld({ sessions: SESSIONS });
  await fill(world);
  const { sendable } = (await (await world.call("?dryRun=true")).json()) as DryRun;
  await world.pass();
  for (const { session, due } of sendable) {
    // The pass also rescues the claim of a dead one, which no pass could have sent before.
    expect(world.waha.acceptedCount({ session })).toBe(session === "default" ? due + 1 : due);
  }
});

test.each([
  ...["?dryRun=1", "?dryRun=TRUE", "?dryRun", "?dryRun=true&dryRun=false"],
  ...["?dry_run=true", "?dry-run=true", "?dryRun=true&x=1", "?x", "?dryRun=false&dry=true"],
])("%s is no dry run, and no pass either", async (query) => {
  const world = await createWorld();
  const [id] = await world.insert({});
  const response = await world.call(query);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ error: "dryRun must be true or false, and is the only parameter" });
  expect(await world.find(id)).toMatchObject({ isPicked: false });
});
