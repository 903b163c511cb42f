import { addSeconds } from "../clock.ts";
import { SWEPT_SECONDS } from "../config.ts";
import { isTooSlow } from "../db.ts";
import { auditMessages } from "../messages/audit.ts";
import type { Pass } from "./context.ts";

/** Counting the messages that no pass sees may take so long; no other step waits for it. */
const AUDIT_MS = 5_000;

/** Counts what no pass sees. Nothing is sent by it, so a database that is too slow for it fails no pass. */
export async function audit({ clock, db, id: passId, log, tally }: Pass): Promise<void> {
  const leftAlone = addSeconds(clock.now(), -SWEPT_SECONDS);
  try {
    const findings = await auditMessages(db, leftAlone, { maxTimeMS: AUDIT_MS });
    for (const [code, { count }] of findings) tally.problem(code, count);
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    tally.problem("database_slow");
    log.warn({ passId }, "messages that are never seen were not counted: it took too long");
  }
}
