import { lifetimesOf } from "../lifetimes.ts";
import type { RoundRecord } from "../record.ts";
import { type Claimed, claimsIn, type Won } from "./claims.ts";
import { Check, type Finding } from "./finding.ts";
import { wasStopped } from "./interruptions.ts";
import { heldAt, leaseOf, mayRelyOnEnded, tellLease } from "./leases.ts";
import type { Round } from "./round.ts";
import { deliveryOf, TIES_MS, timeOf } from "./steps.ts";

/** A pass takes its time twice, for a claim's beginning and for its end. */
const BETWEEN_MS = 100;

/** A message is claimed only under its session's lease, and its claim ends before that lease does, and soon. */
export function checkUnderLease(round: Round): Finding {
  const check = new Check("under-lease");
  for (const claimed of claimsIn(round)) {
    for (const won of claimed.won.filter(({ sessions }) => sessions.size > 0)) {
      check.covers();
      const wrong = isExcused(round.record, claimed, won)
        ? undefined
        : whatIsWrong(round.record, claimed, won);
      if (wrong) check.violated(wrong, won.trail.label);
    }
  }
  return check;
}

function whatIsWrong(
  record: RoundRecord,
  { passId, at, claimedAt }: Claimed,
  { sessions, step }: Won,
): string | undefined {
  const expiresAt = timeOf(deliveryOf(step.after).claimExpiresAt);
  const mostMs = lifetimesOf(record.settings.passSeconds).claim;
  if (at < record.calmFrom && expiresAt - claimedAt > mostMs + BETWEEN_MS)
    return `claimed by ${passId} for ${expiresAt - claimedAt} ms, not ${Math.round(mostMs)} at most`;
  const held = [...sessions].flatMap((session) => heldAt(leaseOf(session, record), [passId], at) ?? []);
  if (held.length === 0) {
    const [session = ""] = sessions;
    return `claimed by ${passId} without the lease of ${session}: ${tellLease(leaseOf(session, record), at)}`;
  }
  const leaseEnds = Math.max(...held.map(({ document }) => timeOf(document?.expiresAt)));
  return expiresAt >= leaseEnds
    ? `claimed by ${passId} until ${expiresAt - leaseEnds} ms after its lease ends`
    : undefined;
}

/** Its process was stopped between taking its time and asking, or relied on a lease that the harness has ended. */
function isExcused(record: RoundRecord, { at, claimedAt, passId }: Claimed, { sessions }: Won): boolean {
  const instance = record.passes.get(passId) ?? "";
  const reliesOnEnded = [...sessions].some((session) =>
    mayRelyOnEnded(record, { session, passIds: [passId] }, at),
  );
  return reliesOnEnded || wasStopped(record, instance, Math.min(claimedAt, at) - TIES_MS, at);
}
