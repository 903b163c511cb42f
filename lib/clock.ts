import { setTimeout as sleep } from "node:timers/promises";

/** The machine's two clocks, passed in so that a test can own them. */
export interface SystemClock {
  /** Milliseconds that only ever grow, from any origin. */
  monotonic(): number;
  /** The machine's idea of the time of day, in milliseconds since 1970. */
  system(): number;
}

export const systemClock: SystemClock = {
  monotonic: () => performance.now(),
  system: () => Date.now(),
};

/** A pass's time: the database's time of day, read once and then advanced by the monotonic clock. */
export interface Clock {
  /** The database's time when the pass began. */
  readonly startedAt: Date;
  /** How far the machine's clock is ahead of the database's, in milliseconds. */
  readonly skewMs: number;
  /** How many milliseconds it may itself be ahead of or behind the database's. */
  readonly errorMs: number;
  now(): Date;
  /** Now by whichever of the two clocks is behind, at the earliest: what lies before it is surely past. */
  earliestNow(): Date;
  /** Milliseconds until `moment`, negative when it is past. */
  until(moment: Date): number;
}

/**
 * Makes a pass's clock from one reading of the database's time.
 *
 * @param hostClock the machine's clocks
 * @param began the monotonic reading when the pass began
 * @param readDatabaseTime asks the database for its time; the answer is taken to be from halfway through the call
 */
export async function startClock(
  hostClock: SystemClock,
  began: number,
  readDatabaseTime: () => Promise<Date>,
): Promise<Clock> {
  const asked = hostClock.monotonic();
  const databaseTime = (await readDatabaseTime()).getTime();
  const errorMs = (hostClock.monotonic() - asked) / 2;
  const offset = databaseTime - (asked + errorMs);
  const now = () => hostClock.monotonic() + offset;
  return {
    startedAt: new Date(began + offset),
    skewMs: Math.round(hostClock.system() - now()),
    errorMs,
    now: () => new Date(now()),
    earliestNow: () => new Date(Math.min(now() - errorMs, hostClock.system())),
    until: (moment) => moment.getTime() - now(),
  };
}

/** The date that lies `seconds` after `date`, or before it if negative. */
export function addSeconds(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000);
}

/** Waits this many milliseconds, if any, or until the signal is aborted. */
export async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => {});
}

/**
 * No time that a pass writes for the next moments lies further ahead. One that does was written while a clock was wrong,
 * or by another program, and is not believed: it would hold for as long as it says.
 */
export const FORESEEN_SECONDS = 60;

/** The earliest of some dates. */
export function earliest(...dates: Date[]): Date {
  return new Date(Math.min(...dates.map((date) => date.getTime())));
}
