import type { Document } from "mongodb";
import { addSeconds } from "../clock.ts";
import { SWEPT_SECONDS } from "../config.ts";
import type { Database } from "../db.ts";
import type { Id } from "../documents.ts";
import { type Updated, updateAll, updateMatching } from "../update-all.ts";
import { LIVE } from "./due.ts";
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
  // Served by `scheduler_due`: what was claimed was due within a day, unless the app has moved or deleted it since.
  const scheduledAt = { $gte: addSeconds(at, -SWEPT_SECONDS), $lte: at };
  const mark = { ...LIVE, scheduledAt, ...releasedAt(passId, at) };
  return updateMatching(db.messages, ours, releaseUpdate(at, reason), mark);
}

/** What a pass gave back at a moment. */
function releasedAt(passId: string, at: Date): Document {
  return { "delivery.passId": passId, "delivery.state": "released", "delivery.settledAt": at };
}
