import type { Document, FindCursor } from "mongodb";
import type { Database } from "../mongo/client.ts";
import type { Id } from "../mongo/ids.ts";
import { date, SHORT_ID } from "../mongo/safe-fields.ts";
import { type Updated, updateAll } from "../mongo/updates.ts";
import type { ProblemCode, Reason } from "../problems.ts";
import { liveWithinADay } from "./due.ts";
import { CLAIMABLE_STATES, type MessageDocument, referenceOf } from "./message.ts";
import { flagsRestored, MAY_BE_SENT, missed, SAYS_WHY } from "./transitions.ts";

/** Why a message says that it was given back. */
const SAID = { code: "$delivery.error.code", message: "$delivery.error.message" };

/** An unpicked message that should not be so. */
export interface Overdue extends Pick<MessageDocument, "_id" | "campaignId"> {
  /** Its `delivery` is not the scheduler's, so that it is never claimed. */
  isForeign: boolean;
  /** Null if it is a list of dates. */
  scheduledAt: Date | null;
  /** It was, or may have been, sent. */
  mayBeSent: boolean;
  /** Why it was given back since it fell due; null if it was not. */
  saysWhy: { code: ProblemCode; message: string } | null;
}

/** A `delivery` that no pass has written, or that has lost what would end it. */
const FOREIGN: Document[] = [
  { "delivery.state": { $nin: [...CLAIMABLE_STATES, ...MAY_BE_SENT, "claimed"] } },
  { "delivery.state": "claimed", "delivery.claimExpiresAt": { $not: { $type: "date" } } },
];

/**
 * Unpicked messages that fell due and are never claimed: past their window, reset by the app although they may have been
 * sent, or with another program's `delivery`. Newest first; what is older than 24 hours is left alone.
 */
export function findOverdue(db: Database, windowFrom: Date, now: Date): FindCursor<Overdue> {
  return db.messages
    .find({
      ...liveWithinADay(now),
      $or: [
        { scheduledAt: { $lt: windowFrom }, "delivery.state": { $in: [...CLAIMABLE_STATES] } },
        { "delivery.state": { $in: [...MAY_BE_SENT] } },
        ...FOREIGN,
      ],
    })
    .sort({ scheduledAt: -1 })
    .project<Overdue>({
      _id: { $cond: [READABLE_ID, "$_id", { tooLong: true }] },
      campaignId: referenceOf(db.documents.messages, "campaignId"),
      scheduledAt: date("scheduledAt"),
      isForeign: { $eq: [{ $setIntersection: [STATES, [...CLAIMABLE_STATES, ...MAY_BE_SENT]] }, []] },
      mayBeSent: { $ne: [{ $setIntersection: [STATES, [...MAY_BE_SENT]] }, []] },
      saysWhy: { $cond: [SAYS_WHY, SAID, null] },
    });
}

/** A message's state in a list, as an expression; the filters see into a list of deliveries or of states, too. */
const STATES: Document = {
  $cond: [{ $isArray: "$delivery.state" }, "$delivery.state", [{ $ifNull: ["$delivery.state", null] }]],
};

/** The driver reads the types that MongoDB has given up as others. */
const READABLE_ID: Document = {
  $and: [SHORT_ID, { $not: [{ $in: [{ $type: "$_id" }, ["undefined", "dbPointer"]] }] }],
};

/** Makes the flags say again what `delivery` says: picked, and sent if it was. */
export function restoreFlags(db: Database, ids: Id[]): Promise<Updated> {
  const { filter, update } = flagsRestored();
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
