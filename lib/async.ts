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

/** What comes one by one, in batches: of this size, and the last one of what is left. */
export async function* inBatches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Bytes that come in pieces; undefined where they are more than `maxBytes`, which closes what they come from, or break off. */
export async function readUpTo(
  maxBytes: number,
  pieces: AsyncIterable<Uint8Array>,
): Promise<Buffer<ArrayBuffer> | undefined> {
  const read: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of pieces) {
      length += piece.length;
      if (length > maxBytes) return undefined;
      read.push(piece);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(read);
}
