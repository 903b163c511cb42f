import { addSeconds, type Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { Window } from "../messages/due.ts";
import type { Commit } from "../messages/group-commit.ts";
import type { Database } from "../mongo/client.ts";
import type { Waha } from "../waha/client.ts";
import type { Lifetimes, PassEnds } from "./lifetimes.ts";
import type { PassStats } from "./stats.ts";

/** Everything that the steps of one pass share. */
export interface Pass extends PassEnds {
  readonly id: string;
  /** The monotonic clock's reading when the function was called. */
  readonly began: number;
  readonly config: Config;
  readonly db: Database;
  readonly waha: Waha;
  readonly clock: Clock;
  readonly log: Log;
  readonly stats: PassStats;
  readonly commit: Commit;
  readonly lifetimes: Lifetimes;
  /** The host wants to stop: from then on it is as if `sendUntil` had come. */
  readonly stop: AbortSignal;
}

/** Whether another send may still start: there is time to send, and enough of it to wait for WAHA's answer. */
export function maySend(pass: Pass, needsMs = pass.lifetimes.attemptMs): boolean {
  return !pass.stop.aborted && pass.clock.until(lastStart(pass, needsMs)) > 0;
}

/**
 * After this no attempt starts.
 *
 * @param needsMs how much time for requests must be left
 */
export function lastStart(
  { lifetimes, requestsUntil, sendUntil }: Pass,
  needsMs = lifetimes.attemptMs,
): Date {
  const withTimeLeft = addSeconds(requestsUntil, -needsMs / 1000);
  return withTimeLeft < sendUntil ? withTimeLeft : sendUntil;
}

/** The window as it stands at this moment: it counts at the claim, not at the start of the pass. */
export function windowNow({ clock, config }: Pass): Window {
  const to = clock.now();
  return { from: addSeconds(to, -config.LOOKBACK_SECONDS), to };
}

/** What was settled since then, by this pass or another beside it, is not to be tried again yet. */
export function settledBefore({ clock, lifetimes }: Pass): Date {
  const lately = addSeconds(clock.now(), -lifetimes.settledMs / 1000);
  // What the pass before this one settled is free for it, though both clocks may be wrong by their errors.
  const begin = addSeconds(clock.startedAt, (2 * clock.errorMs) / 1000);
  return lately > begin ? lately : begin;
}

/** Until then a pass stays to send what falls due. */
export function stayUntil({ clock, config }: Pass): Date {
  return addSeconds(clock.startedAt, config.STAY_SECONDS);
}
