import type { Db } from "mongodb";
import type { LeaseEnd } from "../plan/events.ts";
import { unlessInterrupted } from "./interrupted.ts";

/** Named like a pass, but none has such an id. */
const UNKNOWN_PASS = "a-pass-from-elsewhere";

/** Leaves strikes on sessions' leases, as a pass does to which WAHA refused a chat of each. */
export async function strikeSessions(db: Db, sessions: string[]): Promise<void> {
  const struckAt = new Date(Date.now() - 60_000);
  const strikes = { session_sick: ["491700000000@c.us"] };
  const left = { passId: UNKNOWN_PASS, takenAt: struckAt, expiresAt: new Date(0), struckAt, strikes };
  const leases = sessions.map((name) => ({ _id: `session:${name}`, ...left }));
  if (leases.length > 0) await db.collection<{ _id: string }>("scheduler").insertMany(leases);
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
  const scheduler = db.collection<{ _id: string }>("scheduler");
  await unlessInterrupted(scheduler.updateOne({ _id: `session:${session}` }, { $set: lease }));
}
