import { shownId } from "../log.ts";
import { findRescued, rescueExpiredClaims } from "../messages/rescue.ts";
import type { Pass } from "./context.ts";
import { noteTurnedAway } from "./turned-away.ts";

/** Levels at which the log follows each message by its id. */
const TELLS_ALL: ReadonlySet<string> = new Set(["debug", "trace"]);

/** Gives back what a pass claimed and did not live to send; returns how many. */
export async function rescue(pass: Pass): Promise<number> {
  const { clock, config, db, id: passId, log, tally } = pass;
  const now = clock.now();
  const { changed: count, refused } = await rescueExpiredClaims(db, now);
  noteTurnedAway(pass, refused, "messages");
  if (count === 0) return count;
  tally.add("rescued", count);
  tally.problem("pass_died", count);
  log.warn({ passId, count }, "claims of a pass that died were given back");
  if (TELLS_ALL.has(config.LOG_LEVEL)) {
    for (const id of await findRescued(db, now))
      log.debug({ passId, messageId: shownId(id) }, "given back: the pass that had claimed it died");
  }
  return count;
}
