import type { Document } from "mongodb";
import type { History, Post, RoundRecord } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import { wasStopped } from "./interruptions.ts";
import { endedOf, heldAt, heldUntil, leaseOf, mayRelyOnEnded, tellLease } from "./leases.ts";
import type { Round, Trail } from "./round.ts";
import { coveredMs, without } from "./spans.ts";
import { TIES_MS, timeOf } from "./steps.ts";

/** A POST that must end may do so a little later: its process has other things to do, as the machine has. */
const CUT_LATE_MS = 100;

interface Sending {
  post: Post;
  trail: Trail;
}

/** One sender a session at a time: with the session's lease from beginning to end, and never two POSTs at once. */
export function checkOneSender({ record, trails }: Round): Finding {
  const check = new Check("one-sender");
  const all = trails.flatMap((trail) => trail.posts.map((post) => ({ post, trail })));
  for (const sending of all) {
    check.covers();
    if (!mayLackLease(record, sending)) checkLease(check, record, sending);
  }
  for (const [session, onSession] of Map.groupBy(all, ({ post }) => post.session)) {
    checkAlone(check, record, onSession);
    checkGivenBack(check, record, session, onSession);
  }
  return check;
}

function checkLease(check: Check, record: RoundRecord, { post, trail }: Sending): void {
  const { at, endedAt, instance, passIds, session } = post;
  const history = leaseOf(session, record);
  if (!heldAt(history, passIds, at)) {
    const why = tellLease(history, at);
    check.violated(`posted by ${instance} without the lease of ${session}: ${why}`, trail.label);
    return;
  }
  if (!Number.isFinite(endedAt) || isNoSender(record, post, endedAt)) return;
  const outlives = coveredMs(without([[heldUntil(history, passIds, at), endedAt]], record.stalls));
  if (outlives <= CUT_LATE_MS) return;
  check.violated(
    `its POST by ${instance} went on for ${outlives} ms after the lease of ${session}`,
    trail.label,
  );
}

function checkAlone(check: Check, record: RoundRecord, onSession: Sending[]): void {
  for (const later of onSession) {
    for (const { post: earlier, trail: other } of onSession) {
      const { post, trail } = later;
      const overlaps = earlier.at < post.at && post.at < earlier.endedAt - TIES_MS;
      const isExcused = isNoSender(record, earlier, post.at) || mayRelyOnEnded(record, earlier, earlier.at);
      if (!overlaps || isExcused || mayLackLease(record, later)) continue;
      check.violated(
        `posted on ${post.session} by ${post.instance} while ${other.label}'s POST by ${earlier.instance} was under way, for ${earlier.endedAt - post.at} ms more`,
        trail.label,
      );
    }
  }
}

/** A lease runs out, and is not given back, while a POST of its pass is under way, or was cut off: WAHA may send it yet. */
function checkGivenBack(check: Check, record: RoundRecord, session: string, onSession: Sending[]): void {
  const history = leaseOf(session, record);
  for (const [at, passId] of returnsIn(history)) {
    for (const { post, trail } of onSession) {
      const { instance, passIds } = post;
      const isOwn = passIds.includes(passId) && post.at < at - TIES_MS && !isEnded(record, post, at);
      if (!isOwn) continue;
      if (post.endedAt > at + TIES_MS && !wasStopped(record, instance, post.at, at))
        check.violated(`the lease of ${session} was given back while its POST was under way`, trail.label);
      else if (post.cutOff && heldUntil(history, passIds, post.endedAt) === at)
        check.violated(
          `the lease of ${session} was given back ${at - post.endedAt} ms after its POST was cut off`,
          trail.label,
        );
    }
  }
}

/** When a lease was given back by the pass that held it, and by which. */
function returnsIn(history: History<Document>): [at: number, passId: string][] {
  return history.flatMap(({ at, document }, index): [number, string][] => {
    const before = history[index - 1]?.document;
    const isSame = document && before?.passId === document.passId;
    const isAged = document?.agedBy !== before?.agedBy;
    const isOver = timeOf(document?.expiresAt) <= at && timeOf(before?.expiresAt) > at;
    return isSame && isOver && !isAged ? [[at, document.passId]] : [];
  });
}

/**
 * Whether a process was stopped between the intent and the arrival of its POST: whatever it held may have expired in
 * the meantime, and no check of its own can come after the last one. Or it had given the POST up before it arrived:
 * then it was on its way, and it is not known since when. Or its lease was ended by the harness, and it did not know yet.
 */
function mayLackLease(record: RoundRecord, { post, trail }: Sending): boolean {
  const { at, instance } = post;
  const from = (trail.intentOf.get(post)?.at ?? at) - TIES_MS;
  const gaveUp = trail.writes.some(
    (write) =>
      write.instance === instance && write.to !== "attempting" && write.sentAt >= from && write.sentAt <= at,
  );
  return gaveUp || wasStopped(record, instance, from, at) || mayRelyOnEnded(record, post, at);
}

/** A process that was stopped or killed during its POST, or lost its lease to the harness, is no sender any more. */
function isNoSender(record: RoundRecord, post: Post, at: number): boolean {
  return wasStopped(record, post.instance, post.at, at) || isEnded(record, post, at);
}

/** Whether the harness ended the lease of a POST's pass while the POST was under way. */
function isEnded(record: RoundRecord, post: Post, to: number): boolean {
  return endedOf(record, post).some(({ at }) => at >= post.at - TIES_MS && at <= to + TIES_MS);
}
