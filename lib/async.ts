import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "@vercel/functions";
import { UnavailableError } from "./errors.ts";
import type { ProblemCode } from "./problems.ts";

const underWay = new Set<Promise<void>>();

/**
 * Lets work go on behind the answer: nobody waits for it, and the platform, which may freeze the function once it
 * has answered, is asked to wait.
 *
 * @param work must not reject
 */
export function inBackground(work: Promise<void>): void {
  const tracked = work.finally(() => underWay.delete(tracked));
  underWay.add(tracked);
  waitUntil(tracked);
}

/** Resolves when nothing goes on any more; for a host that stops. */
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
 * What some work comes to, if it does so in time: something may hang rather than fail, and who asked gets an answer
 * all the same.
 *
 * @param ms how long to wait
 * @param code what it means if that is too long
 * @throws UnavailableError with that code; or whatever the work rejects with in time
 */
export async function withTimeout<T>(work: Promise<T>, ms: number, code: ProblemCode): Promise<T> {
  if (await endsWithin(work, ms)) return work;
  throw new UnavailableError(code);
}
