import type { Db } from "mongodb";
import type { LeaseEnd } from "../plan/events.ts";
import { unlessInterrupted } from "./interrupted.ts";

/** Named like a pass, but none has such an id. */
const UNKNOWN_PASS = "a-pass-from-elsewhere";

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
