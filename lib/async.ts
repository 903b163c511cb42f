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

/**
 * Waits for some work, but not for ever: something may hang rather than fail, and whoever asked gets an answer all
 * the same. The work itself goes on.
 *
 * @param ms how long to wait
 * @param code what it means if that is too long
 * @throws UnavailableError with that code; or whatever the work rejects with in time
 */
export async function withTimeout<T>(work: Promise<T>, ms: number, code: ProblemCode): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new UnavailableError(code)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
