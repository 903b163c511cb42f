import type { Db } from "mongodb";
import type { Renewal } from "../database/writes.ts";
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
 * Ends a lease although its pass relies on it, as a database may do whose clock jumps, or whose documents another program
 * removes. One that another pass has by now stays: that pass would not be told by this renewal.
 *
 * @param leaseMs how long another pass has it, where one takes it
 * @returns false where it is over already, or another tenure's; true also where a failover hides what the write came to
 */
export async function endLease(
  db: Db,
  { session, passId, takenAt }: Renewal,
  how: LeaseEnd,
  leaseMs: number,
): Promise<boolean> {
  const now = Date.now();
  const lease =
    how === "runs-out"
      ? { expiresAt: new Date(now - 1) }
      : { passId: UNKNOWN_PASS, expiresAt: new Date(now + leaseMs) };
  const held = { _id: leaseId(session), passId, takenAt, expiresAt: { $gt: new Date(now) } };
  const written = await unlessInterrupted(leasesOf(db).updateOne(held, { $set: lease }));
  return written?.matchedCount !== 0;
}
