import type { FindCursor } from "mongodb";
import type { Database } from "../mongo/client.ts";
import type { Id } from "../mongo/ids.ts";
import { SHORT_ID } from "../mongo/safe-fields.ts";
import { type Updated, updateAll } from "../mongo/updates.ts";
import type { ProblemCode, Reason } from "../problems.ts";
import { liveWithinADay } from "./due.ts";
import { CLAIMABLE_STATES, type MessageDocument, referenceOf } from "./message.ts";
import { flagsSetBack, MAY_BE_SENT, missed, SAYS_WHY } from "./transitions.ts";

/** Why a message says that it was given back. */
const SAID = { code: "$delivery.error.code", message: "$delivery.error.message" };

/** An unpicked message that should not be so. */
export interface Overdue extends Pick<MessageDocument, "_id" | "campaignId"> {
  /** Null if it is a list of dates. */
  scheduledAt: Date | null;
  /** It was, or may have been, sent. */
  mayBeSent: boolean;
  /** Why it was given back since it fell due; null if it was not. */
  saysWhy: { code: ProblemCode; message: string } | null;
}

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
    })
    .sort({ scheduledAt: -1 })
    .project<Overdue>({
      campaignId: referenceOf(db.documents.messages, "campaignId"),
      scheduledAt: { $cond: [{ $eq: [{ $type: "$scheduledAt" }, "date"] }, "$scheduledAt", null] },
      mayBeSent: { $in: ["$delivery.state", [...MAY_BE_SENT]] },
      saysWhy: { $cond: [SAYS_WHY, SAID, null] },
    });
}

/** Makes the flags say again what `delivery` says: picked, and sent if it was. */
export function setBackFlags(db: Database, ids: Id[]): Promise<Updated> {
  const { filter, update } = flagsSetBack();
  return updateAll(db.messages, ids, filter, update);
}

/** Ends messages whose window closed unsent; see {@link missed}. */
export function markMissed(
  db: Database,
  ids: Id[],
  windowFrom: Date,
  now: Date,
  reason: Reason,
): Promise<Updated> {
  const { filter, update, mark } = missed(db.documents.messages, windowFrom, now, reason);
  return updateAll(db.messages, ids, filter, update, mark);
}
