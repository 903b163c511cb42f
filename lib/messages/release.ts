import type { Document } from "mongodb";
import type { Database } from "../db.ts";
import type { Id } from "../documents.ts";
import { updateMatching } from "../update-all.ts";
import { type Reason, releaseUpdate } from "./writes.ts";

/** Gives back those of `ids` that this pass only claimed; returns how many. */
export async function releaseClaims(
  db: Database,
  ids: Id[],
  passId: string,
  at: Date,
  reason: Reason,
): Promise<number> {
  return release(
    db,
    { _id: { $in: ids }, "delivery.passId": passId, "delivery.state": "claimed" },
    at,
    reason,
  );
}

/**
 * Gives back whatever this pass still only claims, known to it or not (the reply to a claim can be lost);
 * returns how many. Served by the index `scheduler_claimed`.
 */
export async function releaseEveryClaim(
  db: Database,
  passId: string,
  claimExpiresAt: Date,
  at: Date,
  reason: Reason,
): Promise<number> {
  const ours = {
    "delivery.claimExpiresAt": claimExpiresAt,
    "delivery.passId": passId,
    "delivery.state": "claimed",
  };
  return release(db, ours, at, reason);
}

async function release(db: Database, filter: Document, at: Date, reason: Reason): Promise<number> {
  return (await updateMatching(db.messages, filter, releaseUpdate(at, reason))).changed;
}
