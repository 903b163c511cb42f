import type { Database } from "../mongo/client.ts";
import { isOfOneDocument } from "../mongo/errors.ts";
import type { Id } from "../mongo/ids.ts";
import { canBeWritten } from "../mongo/ids.ts";
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
 * Records what an event says, in one write that a second event of the same kind, or an earlier one, leaves without
 * effect. Served by `scheduler_receipts`.
 *
 * @param postLimitMs how long a pass waits for the answer to a text
 * @returns what became of it: `none` where no message awaits it, or nothing in it is new; `rejected` where a validation
 *   rule turns the message away
 */
export async function recordReceipt(
  db: Database,
  { session, waMessageId, ...says }: ReceiptEvent,
  postLimitMs: number,
): Promise<"recorded" | "none" | "rejected"> {
  const { filter, update } = heard(db.documents.messages, says, postLimitMs);
  const ofAttempt = {
    "delivery.waMessageId": waMessageId,
    "delivery.session": session,
    ...AWAITING_RECEIPTS,
  };
  try {
    const { matchedCount } = await db.messages.updateOne({ ...ofAttempt, ...filter }, update);
    return matchedCount === 1 ? "recorded" : "none";
  } catch (error) {
    if (isOfOneDocument(error)) return "rejected";
    throw error;
  }
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
