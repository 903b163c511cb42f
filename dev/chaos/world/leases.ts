import type { Db } from "mongodb";
import type { LeaseEnd } from "../plan/events.ts";
import { unlessInterrupted } from "./interrupted.ts";

/** Named like a pass, but none has such an id. */
const UNKNOWN_PASS = "a-pass-from-elsewhere";

const leasesOf = (db: Db) => db.collection<{ _id: string }>("scheduler");
const leaseId = (session: string) => `session:${session}`;

/** Leaves strikes on sessions' leases, as a pass does to which WAHA refused a chat of each. */
export async function strikeSessions(db: Db, sessions: string[]): Promise<void> {
  const struckAt = new Date(Date.now() - 60_000);
  const strikes = { session_sick: ["491700000000@c.us"] };
  const left = { passId: UNKNOWN_PASS, takenAt: struckAt, expiresAt: new Date(0), struckAt, strikes };
  await leasesOf(db).insertMany(sessions.map((session) => ({ _id: leaseId(session), ...left })));
}

/**
 * Ends a session's lease although its pass relies on it, as a database may do whose clock jumps, or whose documents
 * another program removes.
 *
 * @param leaseMs how long another pass has it, where one takes it
 */
export async function endLease(db: Db, session: string, how: LeaseEnd, leaseMs: number): Promise<void> {
  const now = Date.now();
  const lease =
    how === "runs-out"
      ? { expiresAt: new Date(now - 1) }
      : { passId: UNKNOWN_PASS, expiresAt: new Date(now + leaseMs) };
  await unlessInterrupted(leasesOf(db).updateOne({ _id: leaseId(session) }, { $set: lease }));
}
