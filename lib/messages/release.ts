import type { Document } from "mongodb";
import type { Database } from "../db.ts";
import type { Id } from "../documents.ts";
import { type Updated, updateAll, updateMatching } from "../update-all.ts";
import { liveWithinADay } from "./due.ts";
import { type Reason, releaseUpdate } from "./writes.ts";

/** Gives back those of `ids` that this pass only claimed. */
export function releaseClaims(
  db: Database,
  ids: Id[],
  passId: string,
  at: Date,
  reason: Reason,
): Promise<Updated> {
  const ours = { "delivery.passId": passId, "delivery.state": "claimed" };
  return updateAll(db.messages, ids, ours, releaseUpdate(at, reason), releasedAt(passId, at));
}

/**
 * Gives back whatever this pass still only claims, known to it or not (the reply to a claim can be lost). Served by
 * the index `scheduler_claimed`.
 */
export function releaseEveryClaim(
  db: Database,
  passId: string,
  claimExpiresAt: Date,
  at: Date,
  reason: Reason,
): Promise<Updated> {
  const ours = {
    "delivery.claimExpiresAt": claimExpiresAt,
    "delivery.passId": passId,
    "delivery.state": "claimed",
  };
  // All of these, but for what the app has moved or deleted since its claim.
  const mark = { ...liveWithinADay(at), ...releasedAt(passId, at) };
  return updateMatching(db.messages, ours, releaseUpdate(at, reason), mark);
}

/** What a pass gave back at a moment. */
function releasedAt(passId: string, at: Date): Document {
  return { "delivery.passId": passId, "delivery.state": "released", "delivery.settledAt": at };
}
