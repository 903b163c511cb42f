import type { Document } from "mongodb";
import { lifetimesOf } from "../lifetimes.ts";
import type { EndedLease, History, Post, RoundRecord, Version } from "../record.ts";
import { coveredMs, without } from "./spans.ts";
import { inForce, inForceBetween, TIES_MS, timeOf } from "./steps.ts";

/** All versions of a session's lease, oldest first. */
export function leaseOf(session: string, { leases }: RoundRecord): History<Document> {
  return leases.get(session) ?? [];
}

/** The latest version by which one of some passes held a lease at about a moment; undefined if none did. */
export function heldAt(
  history: History<Document>,
  passIds: readonly string[],
  at: number,
): Version<Document> | undefined {
  return inForceBetween(history, at - TIES_MS, at + TIES_MS).findLast(
    ({ document }) => passIds.includes(document?.passId) && timeOf(document?.expiresAt) > at - TIES_MS,
  );
}

/** Until when one of some passes held a lease without a gap that it held at a moment; the moment itself if it did not. */
export function heldUntil(history: History<Document>, passIds: readonly string[], at: number): number {
  const began = heldAt(history, passIds, at);
  if (!began) return at;
  let end = timeOf(began.document?.expiresAt);
  for (const { at: writtenAt, document } of history.slice(history.indexOf(began) + 1)) {
    if (writtenAt > end) return end;
    if (!passIds.includes(document?.passId)) return writtenAt;
    end = timeOf(document?.expiresAt);
    // It was given back, or ended otherwise.
    if (end <= writtenAt) return writtenAt;
  }
  return end;
}

/** Who holds a lease at a moment and how long yet, in words. */
export function tellLease(history: History<Document>, at: number): string {
  const lease = inForce(history, at + TIES_MS)?.document;
  if (!lease) return "no pass had it";
  const leftMs = timeOf(lease.expiresAt) - at;
  return `it was ${lease.passId}'s, ${leftMs > 0 ? `for ${leftMs} ms more` : `until ${-leftMs} ms before`}`;
}

/** From the handing over of a reply until its process acts on it, and a request on its way arrives, on a busy machine. */
const HEARING_MS = 400;

/** The leases that the harness has ended of one of some passes for a session. */
export function endedOf(
  { endedLeases }: Pick<RoundRecord, "endedLeases">,
  { passIds, session }: Pick<Post, "passIds" | "session">,
): EndedLease[] {
  return endedLeases.filter((ended) => ended.session === session && passIds.includes(ended.passId));
}

/** A pass whose lease the harness has ended relies on it until it is told, or until the lease would have ended by itself. */
export function mayRelyOnEnded(
  record: RoundRecord,
  holder: Pick<Post, "passIds" | "session">,
  at: number,
): boolean {
  const { lease } = lifetimesOf(record.settings.passSeconds);
  return endedOf(record, holder).some(({ at: from, toldAt = Number.POSITIVE_INFINITY }) => {
    const until = Math.min(toldAt, from + lease);
    return from <= at + TIES_MS && coveredMs(without([[until, at]], record.stalls)) <= HEARING_MS;
  });
}
