import type { RoundRecord } from "../record.ts";
import { checkAgrees } from "./agrees.ts";
import { checkAsStored } from "./as-stored.ts";
import { checkCampaigns } from "./campaigns.ts";
import { checkFinal } from "./final.ts";
import type { Finding } from "./finding.ts";
import { checkIntentFirst } from "./intent-first.ts";
import { checkIsSent } from "./is-sent.ts";
import { checkLifeCycle } from "./life-cycle.ts";
import { checkOnce } from "./once.ts";
import { checkOneSender } from "./one-sender.ts";
import { checkOrder } from "./order.ts";
import { checkAnswers, checkRedirects } from "./outside.ts";
import { checkReceipts } from "./receipts.ts";
import { checkRests } from "./rests.ts";
import { readRound } from "./round.ts";
import { checkRouted } from "./routed.ts";
import { checkStaleWrites } from "./stale-writes.ts";
import { checkTakenOver } from "./taken-over.ts";
import { checkUnderLease } from "./under-lease.ts";

export { type Finding, INVARIANTS, type Invariant } from "./finding.ts";

const CHECKS = [
  checkOnce,
  checkIntentFirst,
  checkAsStored,
  checkRouted,
  checkIsSent,
  checkLifeCycle,
  checkStaleWrites,
  checkFinal,
  checkAgrees,
  checkOrder,
  checkOneSender,
  checkUnderLease,
  checkRests,
  checkTakenOver,
  checkCampaigns,
  checkReceipts,
  checkRedirects,
  checkAnswers,
];

/**
 * Holds every invariant against the record of one round, one finding each, always in the same order. Each check takes
 * a while, so that a caller with something else to do can do it in between.
 */
export function* checkRound(record: RoundRecord): Generator<Finding> {
  const round = readRound(record);
  for (const check of CHECKS) yield check(round);
}
