import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "@vercel/functions";
import { UnavailableError } from "./errors.ts";
import type { ProblemCode } from "./problems.ts";

const underWay = new Set<Promise<void>>();

/**
 * Lets work go on behind the answer. The platform may freeze a function that has answered, so it is asked to wait.
 *
 * @param work must not reject
 */
export function inBackground(work: Promise<void>): void {
  const tracked = work.finally(() => underWay.delete(tracked));
  underWay.add(tracked);
  waitUntil(tracked);
}

/** Resolves when all such work has ended; for a host that stops. */
export async function backgroundDone(): Promise<void> {
  while (underWay.size > 0) await Promise.all(underWay);
}

/** Waits for some work, but no longer than `ms`; tells whether it ended. The work itself goes on. */
export async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const over = new AbortController();
  try {
    return await Promise.race([work.then(() => true), sleep(ms, false, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}

/**
 * What some work comes to, if it ends in time: it may hang rather than fail.
 *
 * @param code what it means if the work takes longer than `ms`
 * @throws UnavailableError with that code; or what the work rejects with in time
 */
export async function withTimeout<T>(work: Promise<T>, ms: number, code: ProblemCode): Promise<T> {
  if (await endsWithin(work, ms)) return work;
  throw new UnavailableError(code);
}
