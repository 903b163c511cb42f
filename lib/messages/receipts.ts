import type { AnyBulkWriteOperation, Document } from "mongodb";
import { addSeconds } from "../clock.ts";
import { aggregateAll } from "../mongo/aggregate-all.ts";
import type { Database, Stored } from "../mongo/client.ts";
import { rejectedIn } from "../mongo/errors.ts";
import { canBeWritten, type Id } from "../mongo/ids.ts";
import { date } from "../mongo/safe-fields.ts";
import { type Updated, updateAll } from "../mongo/updates.ts";
import { PERSON_CHAT } from "./message.ts";
import { awaitedNoMore, type Heard, heard } from "./transitions.ts";

/** Only an attempt whose receipts are awaited carries an end of that, so these indexes hold nothing else. */
export const AWAITING_RECEIPTS = { "delivery.receiptsUntil": { $exists: true } } as const;

/** For how long receipts are awaited, in seconds: a phone may be off for days. */
export const RECEIPT_SECONDS = 7 * 24 * 3600;

/** What an event of WAHA's says of a message that a session sent. */
export interface ReceiptEvent extends Heard {
  session: string;
  /** WhatsApp's raw id: the chat of an event may be another form of the same person. */
  waMessageId: string;
}

/**
 * Records what events say, each in one write that a second event of the same kind, or an earlier one, leaves without
 * effect; all in one request. Served by `scheduler_receipts`. Where no message awaits an event, nothing is written.
 *
 * @param postLimitMs how long a pass waits for the answer to a text
 * @returns of each event whether the database took it; false where a validation rule turns the message away
 */
export async function recordReceipts(
  db: Database,
  events: ReceiptEvent[],
  postLimitMs: number,
): Promise<boolean[]> {
  const operations = events.map(({ session, waMessageId, ...says }) => {
    const { filter, update } = heard(db.documents.messages, says, postLimitMs);
    const ofAttempt = {
      "delivery.waMessageId": waMessageId,
      "delivery.session": session,
      ...AWAITING_RECEIPTS,
    };
    return { updateOne: { filter: { ...ofAttempt, ...filter }, update } };
  });
  try {
    await db.messages.bulkWrite(operations as AnyBulkWriteOperation<Stored>[], { ordered: false });
    return events.map(() => true);
  } catch (error) {
    const rejected = rejectedIn(error);
    return events.map((_, index) => !rejected.has(index));
  }
}

/** What WhatsApp reported of the messages that a session sent to people last. */
export interface SessionReceipts {
  session: string;
  /** The latest twenty, newest first: when each was sent, and when its last receipt came; null if none did. */
  latest: { at: Date; heardAt: Date | null }[];
}

/** So many messages in a row without a receipt are no coincidence; phones that are off are among the latest few. */
export const LATEST_MESSAGES = 20;

/** How many of a session's messages are looked at for them: others go to groups, or were not sent. */
const SURVEYED = 100;

/** Sessions are asked for together. */
const SESSIONS_A_REQUEST = 50;

/**
 * Looks at what WhatsApp reported of the messages that were sent before a moment, by session; those that awaited
 * receipts, and have an id that receipts name. Served by `scheduler_receipts_session`.
 *
 * @returns each session that sent any
 */
export async function surveyReceipts(
  db: Database,
  sessions: string[],
  before: Date,
  limits: { maxTimeMS: number },
): Promise<SessionReceipts[]> {
  const surveyed: SessionReceipts[] = [];
  for (let place = 0; place < sessions.length; place += SESSIONS_A_REQUEST) {
    const pipelines = sessions
      .slice(place, place + SESSIONS_A_REQUEST)
      .map((session) => surveyOf(session, before));
    surveyed.push(...(await aggregateAll<SessionReceipts>(db.messages, pipelines, limits)));
  }
  return surveyed;
}

function surveyOf(session: string, before: Date): Document[] {
  // Groups and channels give receipts of their own kinds, or none.
  const isSentToAPerson = {
    "delivery.state": "sent",
    "delivery.chatId": PERSON_CHAT,
    "delivery.waMessageId": { $type: "string" },
  };
  const one = { at: date("delivery.attemptAt"), heardAt: date("delivery.receiptAt") };
  return [
    { $match: { "delivery.session": session, ...sentBefore(before) } },
    { $sort: { "delivery.receiptsUntil": -1 } },
    { $limit: SURVEYED },
    { $match: isSentToAPerson },
    { $limit: LATEST_MESSAGES },
    { $group: { _id: null, latest: { $push: one } } },
    { $project: { _id: 0, session: { $literal: session }, latest: 1 } },
  ];
}

/** How many messages are looked at for a receipt that came before a moment. */
const LOOKED_THROUGH = 500;

/**
 * Whether a receipt had come by a moment, of messages that were sent before it: of a session, or of any. Served by
 * `scheduler_receipts_session` and `scheduler_receipts_until`.
 */
export async function wasHeardBy(
  db: Database,
  at: Date,
  session: string | undefined,
  limits: { maxTimeMS: number },
): Promise<boolean> {
  const pipeline = [
    { $match: { ...(session === undefined ? {} : { "delivery.session": session }), ...sentBefore(at) } },
    { $sort: { "delivery.receiptsUntil": -1 } },
    { $limit: LOOKED_THROUGH },
    { $match: { "delivery.receiptAt": { $lte: at } } },
    { $limit: 1 },
    { $project: { _id: 1 } },
  ];
  return (await db.messages.aggregate(pipeline, limits).toArray()).length > 0;
}

function sentBefore(moment: Date): Document {
  return { "delivery.receiptsUntil": { $lte: addSeconds(moment, RECEIPT_SECONDS) } };
}

/** Ends the waiting for receipts that have been awaited for long enough. Served by `scheduler_receipts_until`. */
export async function forgetReceipts(db: Database, now: Date, limit: number): Promise<Updated> {
  const { filter, update } = awaitedNoMore(now);
  const found = await db.messages
    .find(filter)
    .sort({ "delivery.receiptsUntil": 1 })
    .limit(limit)
    .project<{ _id: Id }>({ _id: 1 })
    .toArray();
  const ids = found.map(({ _id }) => _id).filter(canBeWritten);
  return updateAll(db.messages, ids, filter, update);
}
