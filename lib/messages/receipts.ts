import { type AnyBulkWriteOperation, MongoBulkWriteError } from "mongodb";
import { addSeconds } from "../clock.ts";
import type { Database, Stored } from "../mongo/client.ts";
import { OF_ONE_DOCUMENT } from "../mongo/errors.ts";
import { canBeWritten, type Id } from "../mongo/ids.ts";
import { text } from "../mongo/safe-fields.ts";
import { type Updated, updateAll } from "../mongo/updates.ts";
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
    const errors = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
    if (errors.length === 0 || errors.some(({ code }) => !OF_ONE_DOCUMENT.has(code))) throw error;
    const rejected = new Set(errors.map(({ index }) => index));
    return events.map((_, index) => !rejected.has(index));
  }
}

/** What WhatsApp reported of the messages that a session sent to people last. */
export interface SessionReceipts {
  session: string;
  /** The latest messages, newest first: when each was sent, and when its last receipt came; null if none did. */
  latest: { at: Date; heardAt: Date | null }[];
  /** When a receipt of the session came last, as far as was looked. */
  heardAt: Date | null;
}

/** How many messages are looked at, of all sessions together, so that it costs no more with a thousand of them. */
const SURVEYED = 2_000;

/** Groups and channels give receipts of their own kinds, or none. */
const OF_A_PERSON = /@(c\.us|s\.whatsapp\.net|lid)$/;

/**
 * Looks at what WhatsApp reported of the messages that were sent before a moment, by session; those that awaited
 * receipts. Served by `scheduler_receipts_until`.
 *
 * @param count how many of a session's latest messages are given
 */
export async function surveyReceipts(
  db: Database,
  before: Date,
  count: number,
  limits: { maxTimeMS: number },
): Promise<SessionReceipts[]> {
  const sentBefore = addSeconds(before, RECEIPT_SECONDS);
  const date = (field: string) => ({ $cond: [{ $eq: [{ $type: field }, "date"] }, field, null] });
  const heardAt = date("$delivery.receiptAt");
  const pipeline = [
    { $match: { "delivery.receiptsUntil": { $lte: sentBefore } } },
    { $sort: { "delivery.receiptsUntil": -1 } },
    { $limit: SURVEYED },
    { $match: { "delivery.state": "sent", "delivery.chatId": OF_A_PERSON } },
    {
      $group: {
        _id: text("delivery.session"),
        latest: { $firstN: { input: { at: date("$delivery.attemptAt"), heardAt }, n: count } },
        heardAt: { $max: heardAt },
      },
    },
    { $project: { _id: 0, session: "$_id", latest: 1, heardAt: 1 } },
  ];
  return db.messages.aggregate<SessionReceipts>(pipeline, limits).toArray();
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
