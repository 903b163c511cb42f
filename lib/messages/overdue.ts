import type { Document, FindCursor } from "mongodb";
import type { Database } from "../mongo/client.ts";
import type { Id } from "../mongo/ids.ts";
import { deliveryBefore, SHORT_ID } from "../mongo/safe-fields.ts";
import { type Updated, updateAll } from "../mongo/updates.ts";
import { PROBLEMS, type ProblemCode, type Reason } from "../problems.ts";
import { LIVE, liveWithinADay } from "./due.ts";
import { CLAIMABLE_STATES, type MessageDocument, SAFE_FIELDS } from "./message.ts";
import { deliveryError } from "./transitions.ts";

/** States of a message that was, or may have been, sent: it must not look as if it were still to be. */
const MAY_BE_SENT = ["attempting", "unknown", "sent"] as const;

export interface Overdue extends Pick<MessageDocument, "_id" | "campaignId"> {
  /** Null if it is a list of dates. */
  scheduledAt: Date | null;
  /** It was, or may have been, sent. */
  mayBeSent: boolean;
  /** Why it was given back since it fell due; null if it was not. */
  saysWhy: ProblemCode | null;
}

/** It was given back since it fell due, and so says why itself. */
const SAYS_WHY: Document = {
  $and: [
    { $eq: ["$delivery.state", "released"] },
    { $gte: ["$delivery.error.at", "$scheduledAt"] },
    { $in: ["$delivery.error.code", Object.keys(PROBLEMS)] },
  ],
};

/**
 * Unpicked messages that are not due and should not be so: past their window, or reset by the app although
 * they may have been sent. Newest first; what is older than 24 hours is left alone.
 */
export function findOverdue(db: Database, windowFrom: Date, now: Date): FindCursor<Overdue> {
  return db.messages
    .find({
      ...liveWithinADay(now),
      $or: [
        { scheduledAt: { $lt: windowFrom }, "delivery.state": { $in: [...CLAIMABLE_STATES] } },
        { "delivery.state": { $in: [...MAY_BE_SENT] } },
      ],
      $expr: SHORT_ID,
    } as never)
    .sort({ scheduledAt: -1 })
    .project<Overdue>({
      campaignId: SAFE_FIELDS.campaignId,
      scheduledAt: { $cond: [{ $eq: [{ $type: "$scheduledAt" }, "date"] }, "$scheduledAt", null] },
      mayBeSent: { $in: ["$delivery.state", [...MAY_BE_SENT]] },
      saysWhy: { $cond: [SAYS_WHY, "$delivery.error.code", null] },
    });
}

/** Makes the flags say again what `delivery` says: picked, and sent if it was. */
export function setBackFlags(db: Database, ids: Id[]): Promise<Updated> {
  const reset = { ...LIVE, "delivery.state": { $in: [...MAY_BE_SENT] } };
  return updateAll(db.messages, ids, reset, [
    { $set: { isPicked: true, isSent: { $eq: ["$delivery.state", "sent"] } } },
  ]);
}

/**
 * Ends messages whose window closed unsent. One that was given back since it fell due keeps the reason that it has; the
 * others get `reason`. What was claimed, moved or deleted meanwhile is not ended.
 */
export async function markMissed(
  db: Database,
  ids: Id[],
  windowFrom: Date,
  now: Date,
  reason: Reason,
): Promise<Updated> {
  const error = { $cond: [SAYS_WHY, "$delivery.error", { $literal: deliveryError(reason, now) }] };
  const missed = { state: "missed", settledAt: now, error };
  const late = {
    ...LIVE,
    scheduledAt: { $lt: windowFrom },
    "delivery.state": { $in: [...CLAIMABLE_STATES] },
  };
  const ended = [{ $set: { isPicked: true, delivery: { $mergeObjects: [deliveryBefore, missed] } } }];
  const mark = { "delivery.state": "missed", "delivery.settledAt": now };
  return updateAll(db.messages, ids, late, ended, mark);
}
