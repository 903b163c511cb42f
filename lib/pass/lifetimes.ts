import { addSeconds } from "../clock.ts";
import type { Config } from "../config.ts";

/** The moments at which a pass comes to its end. */
export interface PassEnds {
  /** No send starts after this. */
  readonly sendUntil: Date;
  /** No request to WAHA outlives this. */
  readonly requestsUntil: Date;
  /** A step that still waits then waits for a database that does not answer, and is given up. */
  readonly stepsUntil: Date;
}

/** The parts of the tail that are left when requests to WAHA, and when all steps, must have ended. */
const REQUESTS_END = 0.2;
const STEPS_END = 0.1;

/** The ends of a pass that began at `startedAt`. */
export function passEnds(startedAt: Date, { PASS_SECONDS, TAIL_SECONDS }: Config): PassEnds {
  return {
    sendUntil: addSeconds(startedAt, PASS_SECONDS - TAIL_SECONDS),
    requestsUntil: addSeconds(startedAt, PASS_SECONDS - TAIL_SECONDS * REQUESTS_END),
    stepsUntil: addSeconds(startedAt, PASS_SECONDS - TAIL_SECONDS * STEPS_END),
  };
}

/** How long what a pass holds lasts, in milliseconds. Short, so that what a dead pass held is free soon. */
export interface Lifetimes {
  /** A lease, from the moment at which it was taken or renewed. */
  readonly leaseMs: number;
  /** From one renewal of all leases to the next. */
  readonly renewalMs: number;
  /** A claim, at most. */
  readonly claimMs: number;
  /** How long before the lease that covers them claims end, and POSTs are cut off. */
  readonly marginMs: number;
  /** How much time for requests must be left when an attempt starts: a refusal for a session takes WAHA 5 s. */
  readonly attemptMs: number;
  /** The same for an attempt with a file, which WAHA fetches and uploads first. */
  readonly mediaMs: number;
  /** A session is given what it can start within this time: soon enough that a pause of its campaign still counts. */
  readonly aheadMs: number;
  /** What a message is taken to cost until its session has shown it: so much that the first claim is small, and soon made. */
  readonly guessMs: number;
  /** For how long a pass does not try again what it has settled. */
  readonly settledMs: number;
  /** The unit in which a session rests whose outcomes speak against it. */
  readonly restMs: number;
  /** How often new messages are looked for, and leases that another pass holds are asked for. */
  readonly lookMs: number;
  /** How often WAHA is asked again for its sessions. */
  readonly snapshotMs: number;
  /** How often a pass that stays tries everything once more: it is to be no worse than a pass a minute. */
  readonly afreshMs: number;
}

/** With passes shorter than this all lifetimes shrink in proportion. */
const FULL_PASS_SECONDS = 60;

/** A pass of 80 seconds or more tries everything once more after a minute. */
const AFRESH_MS = 60_000;
const AFRESH_SHARE = 0.75;

/** The lifetimes of what a pass holds. */
export function lifetimes({ PASS_SECONDS }: Config): Lifetimes {
  const scale = Math.min(1, PASS_SECONDS / FULL_PASS_SECONDS);
  return {
    leaseMs: 20_000 * scale,
    renewalMs: 5_000 * scale,
    claimMs: 15_000 * scale,
    marginMs: 1_000 * scale,
    attemptMs: 8_000 * scale,
    mediaMs: 30_000 * scale,
    aheadMs: 5_000 * scale,
    guessMs: 500 * scale,
    settledMs: 15_000 * scale,
    restMs: 60_000 * scale,
    lookMs: 2_500 * scale,
    snapshotMs: 15_000 * scale,
    afreshMs: Math.min(AFRESH_MS, PASS_SECONDS * 1000 * AFRESH_SHARE),
  };
}
