import type { FindCursor } from "mongodb";
import type { Database } from "../db.ts";
import { CLAIMABLE_STATES, deliveryBefore, type Id, type MessageDocument } from "../documents.ts";
import { updateAll } from "../update-all.ts";
import { LIVE } from "./due.ts";
import { deliveryError, type Reason } from "./writes.ts";

/** States of a message that was, or may have been, sent: it must not look as if it were still to be. */
const MAY_BE_SENT = ["attempting", "unknown", "sent"] as const;

export type Stray = Pick<MessageDocument, "_id" | "campaignId" | "scheduledAt" | "delivery">;

/**
 * Unpicked messages that are not due and should not be so: past their window, or reset by the app although
 * they may have been sent. Newest first; what is older than `since` is left alone. Served by `scheduler_due`.
 */
export function findStrays(db: Database, since: Date, windowFrom: Date, now: Date): FindCursor<Stray> {
  return db.messages
    .find({
      ...LIVE,
      scheduledAt: { $gte: since, $lte: now },
      $or: [
        { scheduledAt: { $lt: windowFrom }, "delivery.state": { $in: [...CLAIMABLE_STATES] } },
        { "delivery.state": { $in: [...MAY_BE_SENT] } },
      ],
    } as never)
    .sort({ scheduledAt: -1 })
    .project<Stray>({ campaignId: 1, scheduledAt: 1, delivery: 1 });
}

/** Whether a stray was, or may have been, sent. */
export function mayBeSent(stray: Stray): boolean {
  return MAY_BE_SENT.some((state) => state === stray.delivery?.state);
}

/** Makes the flags say again what `delivery` says: picked, and sent if it was. Returns how many were set back. */
export async function setBackFlags(db: Database, ids: Id[]): Promise<number> {
  if (ids.length === 0) return 0;
  const result = await db.messages.updateMany(
    { _id: { $in: ids }, ...LIVE, "delivery.state": { $in: [...MAY_BE_SENT] } },
    [{ $set: { isPicked: true, isSent: { $eq: ["$delivery.state", "sent"] } } }],
  );
  return result.modifiedCount;
}

/**
 * Ends messages whose window closed unsent. One that was given back since it fell due keeps the reason that it has; the
 * others get `reason`. Returns how many were ended: what was claimed, moved or deleted meanwhile is not.
 */
export async function markMissed(
  db: Database,
  ids: Id[],
  windowFrom: Date,
  now: Date,
  reason: Reason,
): Promise<number> {
  const saysWhy = {
    $and: [{ $eq: ["$delivery.state", "released"] }, { $gte: ["$delivery.error.at", "$scheduledAt"] }],
  };
  const error = { $cond: [saysWhy, "$delivery.error", { $literal: deliveryError(reason, now) }] };
  const missed = { state: "missed", settledAt: now, error };
  const late = {
    ...LIVE,
    scheduledAt: { $lt: windowFrom },
    "delivery.state": { $in: [...CLAIMABLE_STATES] },
  };
  return updateAll(db.messages, ids, late, [
    { $set: { isPicked: true, delivery: { $mergeObjects: [deliveryBefore, missed] } } },
  ]);
}
