import type { Database } from "../db.ts";
import type { Id } from "../documents.ts";
import { type Updated, updateAll, updateMatching } from "../update-all.ts";
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
  return updateAll(db.messages, ids, ours, releaseUpdate(at, reason));
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
  return updateMatching(db.messages, ours, releaseUpdate(at, reason));
}
