import { waitUntil } from "@vercel/functions";

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
