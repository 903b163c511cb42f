import type { Document, FindCursor } from "mongodb";
import { inBatches } from "../async.ts";
import { addSeconds } from "../clock.ts";
import { SWEPT_SECONDS } from "../config.ts";
import type { MessageNames } from "../documents/mapping.ts";
import type { Database } from "../mongo/client.ts";
import { canBeWritten, type Id } from "../mongo/ids.ts";
import { SHORT_ID } from "../mongo/safe-fields.ts";
import {
  CLAIMABLE_STATES,
  IS_DEFERRED,
  isForPerson,
  type MessageDocument,
  projectionOf,
  referenceOf,
} from "./message.ts";

/**
 * Not sent, not deleted and not picked. Equality on all three, as the partial index over them needs: `$ne`,
 * `$in` with null, or one of them left out, and the query planner falls back to scanning the collection.
 */
export const LIVE = { isSent: false, isDeleted: false, isPicked: false } as const;

/** What is `LIVE` and fell due in the 24 hours before `now`: what is older is left alone. Served by `scheduler_due`. */
export function liveWithinADay(now: Date): Document {
  return { ...LIVE, scheduledAt: { $gte: addSeconds(now, -SWEPT_SECONDS), $lte: now } };
}

/**
 * What the query's operators don't see: they also find a list of which one item fits, and a list of dates is no
 * time, nor one of booleans a flag.
 */
const WELL_FORMED: Document = {
  $and: [
    { $not: [{ $or: ["$isSent", "$isDeleted", "$isPicked"] }] },
    { $eq: [{ $type: "$scheduledAt" }, "date"] },
    SHORT_ID,
  ],
};

/** The span of `scheduledAt`, both ends included, in which a message may be sent now. */
export interface Window {
  from: Date;
  to: Date;
}

/**
 * The messages that may be claimed: in the window, and settled by no pass since `settledBefore`, so that no pass
 * tries a message again at once.
 */
export function dueFilter(window: Window, settledBefore: Date): Document {
  return {
    ...LIVE,
    scheduledAt: { $gte: window.from, $lte: window.to },
    "delivery.state": { $in: [...CLAIMABLE_STATES] },
    "delivery.settledAt": { $not: { $gte: settledBefore } },
    $expr: WELL_FORMED,
  };
}

/** The due messages that name the same session and campaign in the same form, and of which the same can be said. */
export interface DueGroup {
  isDeferred: boolean;
  /** Their chats are those of people; null where they have none of their own. Absent where that was not asked. */
  isForPerson?: boolean | null;
  sessionId?: Id | null;
  campaignId?: Id | null;
  count: number;
  /** The oldest of them, oldest first; among equals the one written first. */
  next: { _id: Id; scheduledAt: Date }[];
}

/** What decides when a message goes out. */
interface Queued {
  scheduledAt: Date;
  isDeferred?: boolean;
}

/** The order in which messages go out: the oldest first, deferred ones after all others. */
export function inTurn(a: Queued, b: Queued): number {
  const later = Number(a.isDeferred ?? false) - Number(b.isDeferred ?? false);
  return later || a.scheduledAt.getTime() - b.scheduledAt.getTime();
}

const GROUPS_A_SLICE = 5_000;

/** Beyond this the database is told to be slow; the driver gives a request up after 15 s, as if it had no answer. */
const SURVEY_MS = 12_000;

/**
 * Looks at what is due without taking any of it: by session and campaign, with the `perGroup` oldest of each. An app may
 * name a campaign of its own on each message, so the groups come in slices: a caller keeps what it needs of each.
 * Served by the index `scheduler_due`, whose order it keeps.
 *
 * @param byChat what is for people is in groups of its own
 */
export async function* surveyDue(
  db: Database,
  due: Document,
  perGroup: number,
  { byChat = false, maxTimeMS = SURVEY_MS }: { byChat?: boolean; maxTimeMS?: number } = {},
): AsyncGenerator<DueGroup[]> {
  const names = db.documents.messages;
  const pipeline: Document[] = [
    { $match: due },
    { $sort: { scheduledAt: 1 } },
    {
      $group: {
        _id: groupKey(names, byChat),
        count: { $sum: 1 },
        next: { $firstN: { input: { _id: "$_id", scheduledAt: "$scheduledAt" }, n: perGroup } },
      },
    },
    {
      $project: {
        _id: 0,
        sessionId: "$_id.sessionId",
        campaignId: "$_id.campaignId",
        isDeferred: "$_id.isDeferred",
        isForPerson: "$_id.isForPerson",
        count: 1,
        next: 1,
      },
    },
  ];
  const groups = db.messages.aggregate<DueGroup>(pipeline, { maxTimeMS, batchSize: GROUPS_A_SLICE });
  for await (const slice of inBatches(groups, GROUPS_A_SLICE)) yield slice.map(writable);
}

/** What a filter finds, as a claim reads it, oldest first; `most` of it. Served by the index `scheduler_due`. */
export function findDue(db: Database, due: Document, most: number): FindCursor<MessageDocument> {
  return db.messages
    .find(due)
    .sort({ scheduledAt: 1 })
    .limit(most)
    .project<MessageDocument>({ scheduledAt: 1, ...projectionOf(db.documents.messages) });
}

/** When the next message falls due after a moment; undefined if none is known of. Served by `scheduler_due`. */
export async function findNextDue(db: Database, after: Date): Promise<Date | undefined> {
  const [next] = await db.messages
    .find({ ...LIVE, scheduledAt: { $gt: after }, $expr: WELL_FORMED })
    .sort({ scheduledAt: 1 })
    .limit(1)
    .project<{ scheduledAt: Date }>({ _id: 0, scheduledAt: 1 })
    .toArray();
  // The database's dates reach further than JavaScript's: "never", in some languages, is no date here.
  return next && !Number.isNaN(next.scheduledAt.getTime()) ? next.scheduledAt : undefined;
}

/** Stands in for a reference that the driver read and can't write. */
const NO_REFERENCE = { type: "not writable" } as never;

/** What the messages of a group have in common. */
export function groupKey(names: MessageNames, byChat: boolean) {
  return {
    sessionId: referenceOf(names, "sessionId"),
    campaignId: referenceOf(names, "campaignId"),
    isDeferred: IS_DEFERRED,
    ...(byChat ? { isForPerson: isForPerson(names) } : {}),
  };
}

/** A group without what would break every request that is made with it. */
function writable({ count, next, ...group }: DueGroup): DueGroup {
  const claimable = next.filter((message) => canBeWritten(message._id));
  return {
    ...group,
    ...writableReferences(group),
    count: count - (next.length - claimable.length),
    next: claimable,
  };
}

/** References, with a stand-in for those that the driver can't write. */
export function writableReferences({
  sessionId,
  campaignId,
}: Pick<DueGroup, "sessionId" | "campaignId">): Required<Pick<DueGroup, "sessionId" | "campaignId">> {
  return {
    sessionId: canBeWritten(sessionId) ? (sessionId ?? null) : NO_REFERENCE,
    campaignId: canBeWritten(campaignId) ? (campaignId ?? null) : NO_REFERENCE,
  };
}
