import { UnavailableError } from "./errors.ts";
import type { ProblemCode } from "./problems.ts";

/**
 * Waits for some work, but not for ever: something may hang rather than fail, and whoever asked gets an answer all
 * the same. The work itself goes on.
 *
 * @param ms how long to wait
 * @param code what it means if that is too long
 * @throws UnavailableError with that code; or whatever the work rejects with in time
 */
export async function inTime<T>(work: Promise<T>, ms: number, code: ProblemCode): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new UnavailableError(code)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
