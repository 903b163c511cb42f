import type { RoundRecord, StateWrite } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import type { MessageStep, Round, Trail } from "./round.ts";
import { deliveryOf, inForce, stateOf, TIES_MS, timeOf } from "./steps.ts";

/**
 * A stale pass's writes match nothing: an intent took effect only where the process of the pass that holds the claim
 * wrote it. The cases are the intents that took effect, and those that came from a process too late to matter.
 */
export function checkStaleWrites({ record, trails }: Round): Finding {
  const check = new Check("stale-writes");
  for (const trail of trails) {
    const written = trail.writes.filter(({ to }) => to === "attempting");
    check.covers(written.filter((write) => isStale(trail, write, record)).length);
    for (const step of trail.intents) {
      check.covers();
      const { passId } = deliveryOf(step.before);
      const possible = written.filter((write) => mayHaveMade(write, step));
      if (possible.some(({ passIds }) => passIds.includes(passId))) continue;
      const by = possible.map(({ instance }) => instance).join(", ") || "nobody known";
      check.violated(
        `the claim of pass ${passId} became an attempt by ${by}, where that pass did not run`,
        trail.label,
      );
    }
  }
  return check;
}

function mayHaveMade({ sentAt, repliedAt }: StateWrite, { at }: MessageStep): boolean {
  return sentAt <= at + TIES_MS && at <= (repliedAt ?? Number.POSITIVE_INFINITY) + TIES_MS;
}

/** Its process had been frozen, or the claim was no longer its own, or had expired. */
function isStale({ history }: Trail, write: StateWrite, { interruptions }: RoundRecord): boolean {
  const wasFrozen = interruptions.some(
    ({ instance, kind, at }) => instance === write.instance && kind === "frozen" && at <= write.sentAt,
  );
  const message = inForce(history, write.sentAt)?.document;
  const { passId, claimExpiresAt } = deliveryOf(message);
  // What it writes may be there already within the millisecond in which it was sent.
  const isOwn = ["claimed", "attempting"].includes(stateOf(message)) && write.passIds.includes(passId);
  return wasFrozen || !isOwn || timeOf(claimExpiresAt) <= write.sentAt;
}
