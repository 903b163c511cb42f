import { lifetimesOf } from "../lifetimes.ts";
import type { RoundRecord } from "../record.ts";
import { type AblePass, ablePasses } from "./able.ts";
import { Check, type Finding } from "./finding.ts";
import { leaseOf } from "./leases.ts";
import { isClaim, type MessageStep, type Round, type Trail } from "./round.ts";
import { LOOK_BEFORE_MS, soleSession } from "./routes.ts";
import { coveredMs, type Span, within } from "./spans.ts";
import { deliveryOf, stateOf, TIES_MS, timeOf } from "./steps.ts";

/** How far a pass's clock may be ahead of the database's, as long as nothing made its reading last. */
const CLOCK_MS = 500;

/** What a busy machine may take longer for than the protocol provides for. */
const MACHINE_MS = 1000;

/** How many passes may miss it, as another pass rescues it, or takes its session, at the same time. */
const MAY_MISS = 2;

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
  // Where sessions wait for a place, or for a primary, the record does not tell for how long they have to.
  const isTold = settings.sessionConcurrency >= sessions.size && !settings.failover;
  const able = new Map<string, AblePass[]>();
  for (const orphan of orphansIn(round)) {
    checkEnd(check, orphan, round.record);
    if (!isTold) continue;
    const hasFile = orphan.trail.history.some(({ document }) => document?.media !== undefined);
    const key = JSON.stringify([orphan.session, hasFile]);
    const passes = able.get(key) ?? ablePasses(round, orphan.session, hasFile);
    able.set(key, passes);
    checkAgain(check, orphan, passes, round.record);
  }
  return check;
}

/** How long it is held after its pass was killed. */
function checkEnd(check: Check, orphan: Orphan, record: RoundRecord): void {
  const { lease } = lifetimesOf(record.settings.passSeconds);
  const heldMs = endOf(orphan, record) - orphan.at;
  if (heldMs <= lease + CLOCK_MS || isProlonged(record, orphan)) return;
  check.covers();
  check.violated(
    `is held for ${heldMs} ms after its pass was killed, not ${Math.round(lease)}`,
    orphan.trail.label,
  );
}

/** How long it then takes until its session is taken, and until it is claimed again; and how many passes go by. */
function checkAgain(check: Check, orphan: Orphan, passes: AblePass[], record: RoundRecord): void {
  const { takeOver } = lifetimesOf(record.settings.passSeconds);
  const { label } = orphan.trail;
  const ends = endOf(orphan, record);
  const until = watchedUntil(orphan, record);
  const spans = passes.flatMap((pass) => pass.spans);
  const waits = betweenTakings(orphan, [ends, until], record).map((between) =>
    coveredMs(within(spans, [between])),
  );
  const waitedMs = Math.max(...waits);
  const passedBy = passes.filter(
    ({ isAble, lookedAt, endedAt }) => isAble && lookedAt > ends + TIES_MS && endedAt < until,
  ).length;
  const isLate = waitedMs > takeOver + MACHINE_MS || passedBy > MAY_MISS;
  if (isLate || until === again(orphan)?.at) check.covers();
  if (passedBy > MAY_MISS)
    check.violated(`was not claimed again by ${passedBy} passes that could have done so`, label);
  else if (isLate)
    check.violated(
      `was neither taken over nor claimed in ${Math.round(waitedMs)} ms in which a pass could have done so`,
      label,
    );
}

/**
 * A span in parts, cut where a pass takes the session. First claims are small, so the pass may claim the message by a later
 * look. One that does not claim it may have died as well: then the session is to be taken once more. One that lives
 * claims in order, which is another check's.
 */
function betweenTakings(orphan: Orphan, [from, until]: Span, record: RoundRecord): Span[] {
  const history = leaseOf(orphan.session, record);
  const takings = history
    .filter(({ document }, place) => document?.passId !== history[place - 1]?.document?.passId)
    .map(({ at }) => at)
    .filter((at) => at > from && at < until);
  const cuts = [from, ...takings, until];
  return cuts.slice(1).map((cut, place): Span => [cuts[place] ?? from, cut]);
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
      // Its intent may have been on the way when it was killed.
      if (next && (next.at <= at || stateOf(next.after) === "attempting")) return [];
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

/** Something made the reading of the database's time last, on which a pass's times rest, or held back a renewal. */
function isProlonged({ disturbances, passes }: RoundRecord, { passId }: Orphan): boolean {
  const instance = passes.get(passId);
  return disturbances.some((each) => each.instance === instance && PROLONGING.has(each.point));
}

const PROLONGING: ReadonlySet<string> = new Set(["time", "take-leases", "renew-leases"]);
