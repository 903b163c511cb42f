import { beforeEach, expect, test } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { type Database, openDatabase } from "../../lib/mongo/client.ts";
import {
  leaveLeases,
  renewLeases,
  returnLeases,
  type SessionLease,
  type Tenure,
  takeLeases,
} from "../../lib/sessions/leases.ts";
import {
  clearStrikes,
  findSuspensions,
  strikeSession,
  suspensionOf,
} from "../../lib/sessions/suspensions.ts";
import { ago, createWorld, type World } from "../support/world.ts";

const LEASE_MS = 20_000;
const A = { passId: "A", takenAt: ago(10) };
const B = { passId: "B", takenAt: ago(9) };

let world: World;
let db: Database;

beforeEach(async () => {
  world = await createWorld();
  db = openDatabase(parseConfig(world.env));
});

const leaseOf = (session = "s") => world.scheduler.findOne({ _id: `session:${session}` as never });

const tenure = (of: Pick<Tenure, "passId" | "takenAt">, lastSentAt?: Date): Tenure => ({
  session: "s",
  lastSentAt,
  ...of,
});

async function holderAfter(take: Pick<Tenure, "passId" | "takenAt">): Promise<string | undefined> {
  return (await takeLeases(db, ["s"], take, LEASE_MS)).get("s")?.passId;
}

/** Puts the end of the lease that is there. */
const endAt = (expiresAt: Date) =>
  world.scheduler.updateOne({ _id: "session:s" as never }, { $set: { expiresAt } });

test("of two passes that take the same sessions at once, each session has one", async () => {
  const sessions = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const [a, b] = await Promise.all([
    takeLeases(db, sessions, A, LEASE_MS),
    takeLeases(db, sessions, B, LEASE_MS),
  ]);
  const held = sessions.map((session) => [a.get(session)?.passId, b.get(session)?.passId]);
  expect(held.filter(([byA, byB]) => byA === "A" && byB === "B")).toEqual([]);
  const kept = await Promise.all(sessions.map(leaseOf));
  expect(kept.map((lease) => lease?.passId).filter((passId) => passId !== "A" && passId !== "B")).toEqual([]);
});

test("a lease is taken once it is over by the database's clock, whatever the pass takes the time to be", async () => {
  expect(await holderAfter(A)).toBe("A");
  expect(await holderAfter({ ...B, takenAt: ago(-3600) })).toBe("A");
  await endAt(ago(1));
  expect(await holderAfter({ ...B, takenAt: ago(3600) })).toBe("B");
  const left = (await leaseOf())?.expiresAt.getTime() - Date.now();
  expect(left).toBeGreaterThan(LEASE_MS - 5_000);
  expect(left).toBeLessThanOrEqual(LEASE_MS);
});

test("a lease tells whether the one before it had run out, or was given back", async () => {
  await takeLeases(db, ["s"], A, LEASE_MS);
  expect((await leaseOf())?.takenOver).toBe(false);
  await returnLeases(db, [tenure(A)]);
  await takeLeases(db, ["s"], B, LEASE_MS);
  expect((await leaseOf())?.takenOver).toBe(false);
  await endAt(ago(1));
  await takeLeases(db, ["s"], A, LEASE_MS);
  expect((await leaseOf())?.takenOver).toBe(true);
});

const struck = (at = new Date()) => ({ strikes: { session_sick: ["a@c.us"] }, at });
const sickUntil = (until: Date) => ({ code: "session_sick" as const, until });

test("a session that rests has no lease, whichever pass asks, and says why and until when", async () => {
  await takeLeases(db, ["s"], A, LEASE_MS);
  await strikeSession(db, "s", struck(), sickUntil(ago(-60)));
  await returnLeases(db, [tenure(A)]);
  const lease = (await takeLeases(db, ["s"], B, LEASE_MS)).get("s") as SessionLease;
  expect(lease.passId).toBe("A");
  expect(suspensionOf(lease, new Date())).toEqual({
    code: "session_sick",
    detail: expect.stringMatching(/^s, until 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC$/),
  });
  expect(suspensionOf(lease, ago(-61))).toBeUndefined();
  await db.scheduler.updateOne({ _id: "session:s" }, { $set: { suspendedUntil: ago(0) } });
  expect((await takeLeases(db, ["s"], B, LEASE_MS)).get("s")?.passId).toBe("B");
});

test("a rest without end is not believed", async () => {
  await takeLeases(db, ["s"], A, LEASE_MS);
  await strikeSession(db, "s", struck(), sickUntil(ago(-3_601)));
  await returnLeases(db, [tenure(A)]);
  expect((await takeLeases(db, ["s"], B, LEASE_MS)).get("s")?.passId).toBe("A");
  await strikeSession(db, "s", struck(), sickUntil(ago(-4_000)));
  expect((await takeLeases(db, ["s"], B, LEASE_MS)).get("s")?.passId).toBe("B");
});

test("a suspension only ever grows, and strikes alone suspend nothing", async () => {
  await takeLeases(db, ["s"], A, LEASE_MS);
  await strikeSession(db, "s", struck(), undefined);
  expect(await leaseOf()).toMatchObject({ strikes: { session_sick: ["a@c.us"] } });
  for (const field of ["suspendedFor", "suspendedUntil"]) expect(await leaseOf()).not.toHaveProperty(field);
  const [sooner, later] = [ago(-60), ago(-900)];
  await strikeSession(db, "s", struck(), sickUntil(later));
  await strikeSession(db, "s", struck(), sickUntil(sooner));
  expect((await leaseOf())?.suspendedUntil).toEqual(later);
});

test("an end and a strike that lie too far ahead are written over, and cleared", async () => {
  await takeLeases(db, ["s"], A, LEASE_MS);
  const far = ago(-200_000);
  await db.scheduler.updateOne({ _id: "session:s" }, { $set: { suspendedUntil: far, struckAt: far } });
  const lease = (await leaseOf()) as unknown as SessionLease;
  expect(suspensionOf({ ...lease, suspendedFor: "session_sick" }, new Date())).toBeUndefined();
  const [at, until] = [new Date(), ago(-60)];
  await strikeSession(db, "s", struck(at), sickUntil(until));
  expect(await leaseOf()).toMatchObject({
    struckAt: at,
    suspendedUntil: until,
    suspendedFor: "session_sick",
  });
  await db.scheduler.updateOne({ _id: "session:s" }, { $set: { suspendedUntil: far, struckAt: far } });
  expect(await findSuspensions(db, new Date())).toEqual([]);
  await clearStrikes(db, "s", new Date());
  expect(await leaseOf()).not.toHaveProperty("struckAt");
});

test("of two ends that are believed the later stands, with its own reason", async () => {
  await takeLeases(db, ["s"], A, LEASE_MS);
  const [sooner, later] = [ago(-60), ago(-900)];
  await strikeSession(db, "s", struck(), { code: "account_restricted", until: later });
  await strikeSession(db, "s", struck(), sickUntil(sooner));
  expect(await leaseOf()).toMatchObject({ suspendedFor: "account_restricted", suspendedUntil: later });
});

test("only a message that was posted after the last strike clears a session", async () => {
  await takeLeases(db, ["s"], A, LEASE_MS);
  await strikeSession(db, "s", struck(ago(10)), sickUntil(ago(-60)));
  await clearStrikes(db, "s", ago(11));
  expect(await leaseOf()).toMatchObject({ strikes: struck().strikes });
  await clearStrikes(db, "s", ago(9));
  for (const field of ["strikes", "struckAt", "suspendedFor", "suspendedUntil"])
    expect(await leaseOf()).not.toHaveProperty(field);
});

test("a renewal prolongs a lease that is not over by the database's clock, and tells which it did not", async () => {
  await takeLeases(db, ["s", "t"], A, LEASE_MS);
  await endAt(ago(1));
  const both = [tenure(A), { ...tenure(A), session: "t" }];
  expect(await renewLeases(db, both, LEASE_MS)).toEqual(new Set(["t"]));
  expect((await leaseOf())?.expiresAt.getTime()).toBeLessThan(Date.now());
});

test("a renewal that arrives late shortens nothing", async () => {
  await takeLeases(db, ["s"], A, LEASE_MS);
  await endAt(ago(-60));
  expect(await renewLeases(db, [tenure(A)], LEASE_MS)).toEqual(new Set(["s"]));
  expect((await leaseOf())?.expiresAt.getTime()).toBeGreaterThan(ago(-50).getTime());
});

test("a write of an earlier tenure of the same pass changes nothing", async () => {
  const earlier = tenure(A, ago(1));
  const again = { ...A, takenAt: ago(5) };
  await takeLeases(db, ["s"], A, LEASE_MS);
  await returnLeases(db, [tenure(A)]);
  await takeLeases(db, ["s"], again, LEASE_MS);
  const before = await leaseOf();
  await returnLeases(db, [earlier]);
  await leaveLeases(db, [earlier]);
  expect(await renewLeases(db, [earlier], 2 * LEASE_MS)).toEqual(new Set());
  expect(await leaseOf()).toEqual(before);
});

test("when the last message was posted is kept by a renewal, a return and a lease that is left, and never goes back", async () => {
  await takeLeases(db, ["s"], A, LEASE_MS);
  const [first, second, third] = [ago(9), ago(6), ago(3)];
  await renewLeases(db, [tenure(A, second)], LEASE_MS);
  await renewLeases(db, [tenure(A, first)], LEASE_MS);
  expect((await leaseOf())?.lastSentAt).toEqual(second);
  await leaveLeases(db, [tenure(A, third)]);
  expect(await leaseOf()).toMatchObject({ lastSentAt: third, passId: "A" });
  await returnLeases(db, [tenure(A)]);
  expect(await leaseOf()).toMatchObject({ lastSentAt: third, expiresAt: new Date(0) });
});

test("a pass whose name looks like an expression is stored as it is", async () => {
  expect(await holderAfter({ ...A, passId: "$$NOW" })).toBe("$$NOW");
});

test("the holder of a lease whose end was impossible renews it, and keeps it", async () => {
  await takeLeases(db, ["s"], A, LEASE_MS);
  await endAt(ago(-3600));
  expect(await holderAfter(B)).toBe("A");
  expect(await renewLeases(db, [tenure(A)], LEASE_MS)).toEqual(new Set(["s"]));
  await endAt(ago(-3600));
  expect(await renewLeases(db, [tenure(A)], LEASE_MS)).toEqual(new Set(["s"]));
  expect((await leaseOf())?.expiresAt.getTime()).toBeLessThan(Date.now() + LEASE_MS + 1000);
});
