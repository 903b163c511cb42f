import { Check, type Finding } from "./finding.ts";
import { leaseOf } from "./leases.ts";
import type { Round } from "./round.ts";
import { inForce, TIES_MS, timeOf } from "./steps.ts";

/** From the write of a rest until every process that sent under the lease acts on it, on a busy machine. */
const HEARING_MS = 250;

/**
 * No message is posted on a session that rests. The cases are the sessions that rested. A process that
 * was stopped in the middle of a POST goes on with it where it was.
 */
export function checkRests({ record, trails }: Round): Finding {
  const check = new Check("rests");
  for (const history of record.leases.values())
    if (history.some(({ document }) => document?.suspendedUntil)) check.covers();
  for (const post of record.posts) {
    const { at, instance, session, chatId } = post;
    const began = inForce(leaseOf(session, record), at - HEARING_MS)?.document;
    const now = inForce(leaseOf(session, record), at + TIES_MS)?.document;
    const leftMs = Math.min(timeOf(began?.suspendedUntil), timeOf(now?.suspendedUntil)) - at;
    if (!(leftMs > TIES_MS)) continue;
    const wasStopped = record.interruptions.some((each) => each.instance === instance && each.at <= at);
    if (!wasStopped)
      check.violated(
        `${instance} posted to ${chatId} on ${session}, which was to rest for ${leftMs} ms more`,
        trails.find(({ posts }) => posts.includes(post))?.label,
      );
  }
  return check;
}
