import { lifetimesOf } from "../lifetimes.ts";
import type { RoundRecord } from "../record.ts";
import { ableSpans } from "./able.ts";
import { Check, type Finding } from "./finding.ts";
import { leaseOf } from "./leases.ts";
import { isClaim, type MessageStep, type Round, type Trail } from "./round.ts";
import { LOOK_BEFORE_MS, soleSession } from "./routes.ts";
import { coveredMs, type Span, within } from "./spans.ts";
import { deliveryOf, timeOf } from "./steps.ts";

/** How far a pass's clock may be ahead of the database's, as long as nothing made its reading last. */
const CLOCK_MS = 250;

/** What a busy machine may take longer for than the protocol provides for. */
const MACHINE_MS = 1000;

/** A claim that its pass did not live to act on. */
interface Orphan {
  trail: Trail;
  index: number;
  claim: MessageStep;
  passId: string;
  session: string;
  /** When it lost its pass. */
  at: number;
}

/**
 * What a pass had claimed that was killed is claimed again soon: its claim and its lease end in the time of one lease,
 * and the next pass takes the session over at once. That is measured in the time in which passes could do so.
 */
export function checkTakenOver(round: Round): Finding {
  const check = new Check("taken-over");
  const { settings, sessions } = round.record;
  const lifetimes = lifetimesOf(settings.passSeconds);
  // Where sessions wait for a place, or for a primary, the record does not tell for how long they have to.
  const isTold = settings.sessionConcurrency >= sessions.size && !settings.failover;
  const able = new Map<string, Span[]>();
  for (const orphan of orphansIn(round)) {
    const { trail, at, session } = orphan;
    const ends = endOf(orphan, round.record);
    const heldMs = ends - at;
    if (heldMs > lifetimes.lease + CLOCK_MS && !hasWrongClock(round.record, orphan))
      check.violated(
        `is held for ${heldMs} ms after its pass was killed, not ${Math.round(lifetimes.lease)}`,
        trail.label,
      );
    if (!isTold) continue;
    const spans = able.get(session) ?? ableSpans(round, session);
    able.set(session, spans);
    const until = watchedUntil(orphan, round.record);
    const waitedMs = coveredMs(within(spans, [[ends, until]]));
    if (until === again(orphan)?.at || waitedMs > lifetimes.takeOver) check.covers();
    if (waitedMs > lifetimes.takeOver + MACHINE_MS)
      check.violated(
        `was not claimed again in ${waitedMs} ms in which a pass could have done so`,
        trail.label,
      );
  }
  return check;
}

/** The claims that a pass still had when its process was killed, and that were made on one session alone. */
function orphansIn({ record, trails }: Round): Orphan[] {
  const killed = new Map(
    record.interruptions.filter(({ kind }) => kind === "killed").map(({ instance, at }) => [instance, at]),
  );
  return trails.flatMap((trail) =>
    trail.steps.flatMap((claim, index): Orphan[] => {
      const { passId } = deliveryOf(claim.after);
      const killedAt = killed.get(record.passes.get(passId) ?? "");
      if (!isClaim(claim) || killedAt === undefined || claim.at >= record.calmFrom) return [];
      const at = Math.max(killedAt, claim.at);
      const next = trail.steps[index + 1];
      if (next && next.at <= at) return [];
      const until = Math.min(next?.at ?? record.calmFrom, record.calmFrom);
      const session = soleSession(trail, claim.at - LOOK_BEFORE_MS, until, record);
      return session === undefined ? [] : [{ trail, index, claim, passId, session, at }];
    }),
  );
}

/** When both the claim and the lease that it was made under have ended. */
function endOf({ claim, passId, session }: Orphan, record: RoundRecord): number {
  const leases = leaseOf(session, record).filter(
    ({ at, document }) => document?.passId === passId && at < record.calmFrom,
  );
  const ends = leases.at(-1)?.document?.expiresAt;
  const claimEnds = timeOf(deliveryOf(claim.after).claimExpiresAt);
  return ends === undefined ? claimEnds : Math.max(claimEnds, timeOf(ends));
}

/** The claim after it. */
function again({ trail, index }: Orphan): MessageStep | undefined {
  return trail.steps.slice(index + 1).find(isClaim);
}

/** Until it is claimed again, the app changes it, its window is about to close, or the storm is over. */
function watchedUntil({ trail, index, claim, session }: Orphan, record: RoundRecord): number {
  const closes = timeOf(claim.after?.scheduledAt) + record.settings.lookbackSeconds * 1000 - MACHINE_MS;
  const later = trail.steps.slice(index + 1);
  const end = later.find((step) => step.by !== "scheduler" || isClaim(step))?.at ?? record.calmFrom;
  const until = Math.min(closes, end, record.calmFrom);
  return soleSession(trail, claim.at, until, record) === session ? until : claim.at;
}

/** Something made the reading of the database's time last, on which a pass's times rest. */
function hasWrongClock({ disturbances, passes }: RoundRecord, { passId }: Orphan): boolean {
  const instance = passes.get(passId);
  return disturbances.some((each) => each.instance === instance && each.point === "time");
}
