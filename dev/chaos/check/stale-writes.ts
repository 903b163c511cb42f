import type { RoundRecord, SeenWrite, StateWrite } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import { isRescue, type MessageStep, type Round, type Trail } from "./round.ts";
import { deliveryOf, inForce, stampOf, stateOf, TIES_MS, timeOf } from "./steps.ts";

/**
 * A stale pass's writes match nothing: an intent, a release, an outcome or an end took effect only where the process
 * of the pass that holds the claim wrote it. The cases are those that took effect, and those that came from a process
 * too late to matter.
 */
export function checkStaleWrites({ record, trails }: Round): Finding {
  const check = new Check("stale-writes");
  for (const trail of trails) {
    const written = trail.writes.filter((write) => !write.isLookupResult && isStale(trail, write, record));
    check.covers(written.length);
    for (const step of trail.steps.filter(isForItsPassAlone)) {
      check.covers();
      if (isOfAnEvent(step, record)) continue;
      const makers = makersOf(step, trail, record);
      const { passId } = deliveryOf(step.before);
      if (makers.some((write) => write.passIds.includes(passId) || isLookupResultOf(step, write))) continue;
      const by = makers.map(({ instance }) => instance).join(", ") || "an unknown writer";
      check.violated(
        `the ${stateOf(step.before)} message of pass ${passId} became ${stateOf(step.after)} by ${by}, where that pass did not run`,
        trail.label,
      );
    }
  }
  return check;
}

/** Any pass may rescue a claim that expired; else claims and attempts are their pass's. */
function isForItsPassAlone(step: MessageStep): boolean {
  if (step.by !== "scheduler") return false;
  const [from, to] = [stateOf(step.before), stateOf(step.after)];
  if (isAttempted(from)) return to !== from;
  return from === "claimed" && ["attempting", "released", "failed"].includes(to) && !isRescue(step);
}

/** WAHA told what became of it: such a write is no pass's, and leaves it to be looked after from that moment on. */
function isOfAnEvent({ after }: MessageStep, { events }: RoundRecord): boolean {
  const { nextLookupAt, session, settledAt, waMessageId } = deliveryOf(after);
  const isLookedAfter = settledAt instanceof Date && timeOf(nextLookupAt) === settledAt.getTime();
  return isLookedAfter && events.some((event) => event.session === session && event.id === waMessageId);
}

/** Any pass may say what became of an attempt that it has looked up. */
function isLookupResultOf({ before }: MessageStep, write: SeenWrite | StateWrite): boolean {
  return isAttempted(stateOf(before)) && "isLookupResult" in write && write.isLookupResult;
}

const isAttempted = (state: string) => state === "attempting" || state === "unknown";

/** The writes of which any may have been this step. */
function makersOf(step: MessageStep, { writes }: Trail, { bulkReleases }: RoundRecord): SeenWrite[] {
  const to = stateOf(step.after);
  const possible = [...writes.filter((write) => write.to === to), ...(to === "released" ? bulkReleases : [])];
  return possible.filter((write) => mayHaveMade(write, step));
}

function mayHaveMade({ stamp, sentAt, repliedAt }: SeenWrite, { at, after }: MessageStep): boolean {
  const isInTime = sentAt <= at + TIES_MS && at <= (repliedAt ?? Number.POSITIVE_INFINITY) + TIES_MS;
  return isInTime && (stamp === undefined || stamp.getTime() === stampOf(after));
}

/** Its process had been frozen since the claim, or the claim was no longer its own, or had expired. */
function isStale({ history }: Trail, write: StateWrite, { interruptions }: RoundRecord): boolean {
  const message = inForce(history, write.sentAt)?.document;
  const { passId, claimedAt, claimExpiresAt } = deliveryOf(message);
  const wasFrozen = interruptions.some(
    ({ instance, kind, at }) =>
      instance === write.instance && kind === "frozen" && at >= timeOf(claimedAt) && at <= write.sentAt,
  );
  // What it writes may be there already within the millisecond in which it was sent.
  const isOwn =
    ["claimed", "attempting", "unknown", write.to].includes(stateOf(message)) &&
    write.passIds.includes(passId);
  return wasFrozen || !isOwn || timeOf(claimExpiresAt) <= write.sentAt;
}
