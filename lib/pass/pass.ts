import { addSeconds, type Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { Window } from "../messages/due.ts";
import type { Commit } from "../messages/group-commit.ts";
import type { Database } from "../mongo/client.ts";
import type { Reason } from "../problems.ts";
import type { Waha } from "../waha/client.ts";
import type { PassStats } from "./stats.ts";

/** Everything that the steps of one pass share. */
export interface Pass {
  readonly id: string;
  readonly config: Config;
  readonly db: Database;
  readonly waha: Waha;
  readonly clock: Clock;
  readonly log: Log;
  readonly tally: PassStats;
  readonly commit: Commit;
  /** No send starts after this; claims expire then, so that the very next pass can rescue them. */
  readonly sendUntil: Date;
  /** It is a turn that ends before its pass does: what it leaves is the next one's. */
  readonly handsOn?: boolean;
  /** The host wants to stop: from then on it is as if `sendUntil` had come. */
  readonly stop: AbortSignal;
  /** No request outlives this. */
  readonly requestsUntil: Date;
  /**
   * Whatever still waits then waits for a database that does not answer, and is given up. Leases last as long: a
   * process that was held up may be late to cut its POST off.
   */
  readonly stepsUntil: Date;
}

/** The parts of the tail that are left when requests to WAHA, and when all steps, must have ended. */
const REQUESTS_END = 0.2;
const STEPS_END = 0.1;

/** The ends of a pass that began at `startedAt`. */
export function passEnds(
  startedAt: Date,
  config: Config,
): Pick<Pass, "sendUntil" | "requestsUntil" | "stepsUntil"> {
  const { PASS_SECONDS, TAIL_SECONDS } = config;
  return {
    sendUntil: addSeconds(startedAt, PASS_SECONDS - TAIL_SECONDS),
    requestsUntil: addSeconds(startedAt, PASS_SECONDS - TAIL_SECONDS * REQUESTS_END),
    stepsUntil: addSeconds(startedAt, PASS_SECONDS - TAIL_SECONDS * STEPS_END),
  };
}

/** Whether another send may still start. */
export function maySend(pass: Pass): boolean {
  return !pass.stop.aborted && pass.clock.until(pass.sendUntil) > 0;
}

/** The window as it stands at this moment: it counts at the claim, not at the start of the pass. */
export function windowNow(pass: Pass): Window {
  const to = pass.clock.now();
  return { from: addSeconds(to, -pass.config.LOOKBACK_SECONDS), to };
}

/** Counts messages that were claimed and given back; not those that one turn of a pass leaves to the next. */
export function countReleased({ handsOn, tally }: Pass, reason: Reason, count = 1): void {
  if (handsOn && reason.code === "out_of_time") return;
  tally.released(reason, count);
}
