import type { Database } from "../mongo/client.ts";
import { canBeWritten, type Id } from "../mongo/ids.ts";
import { SHORT_ID, text } from "../mongo/safe-fields.ts";
import { type Delivery, type MessageDocument, referenceOf } from "./message.ts";
import { type Finding, forgotten, foundOut } from "./transitions.ts";

/** Only what a pass must look after again carries a time for it, so this index holds nothing else. */
export const AWAITING_LOOKUP = { "delivery.nextLookupAt": { $exists: true } } as const;

/** A message whose POST may have arrived. */
export type Uncertain = Pick<MessageDocument, "_id" | "campaignId"> & {
  delivery: Delivery & { attemptAt: Date; session: string; chatId: string };
};

const STATES = ["attempting", "unknown", "sent", "failed"];

/**
 * The messages that are to be looked after again, longest due first: those whose lookup is due, and those that
 * were `unknown`, are settled since, and whose campaign does not know it yet. Served by `scheduler_lookups`.
 */
export async function findUncertain(db: Database, now: Date, limit: number): Promise<Uncertain[]> {
  const found = await db.messages
    .find({
      "delivery.nextLookupAt": { $lte: now },
      "delivery.state": { $in: STATES },
      // The operators also find lists of these.
      $expr: { $and: [{ $in: ["$delivery.state", STATES] }, SHORT_ID] },
    })
    .sort({ "delivery.nextLookupAt": 1 })
    .limit(limit)
    .project<Uncertain>({
      campaignId: referenceOf(db.documents.messages, "campaignId"),
      "delivery.state": 1,
      "delivery.attemptAt": 1,
      "delivery.session": text("delivery.session"),
      "delivery.chatId": text("delivery.chatId"),
      "delivery.waMessageId": text("delivery.waMessageId"),
      "delivery.error.code": text("delivery.error.code"),
    })
    .toArray();
  return found.filter((message) => canBeWritten(message._id));
}

/** Dates beyond these are none for JavaScript. */
const [EARLIEST, LATEST] = [new Date(-8_640_000_000_000_000), new Date(8_640_000_000_000_000)];

/** An attempt without a time, which no pass has written. */
const TIMELESS = {
  $expr: {
    $not: [
      { $and: [{ $gte: ["$delivery.attemptAt", EARLIEST] }, { $lte: ["$delivery.attemptAt", LATEST] }] },
    ],
  },
};

/** Whether it is known when the message was attempted. */
export function hasTime({ delivery: { attemptAt } }: Uncertain): boolean {
  return attemptAt instanceof Date && !Number.isNaN(attemptAt.getTime());
}

/**
 * Records what a lookup found, if the message is still in the attempt that was looked up. What was `unknown` and is
 * proven now stays to be looked after, until `forgetSettled`.
 *
 * @returns whether it took effect
 */
export async function recordFinding(
  db: Database,
  message: Uncertain,
  finding: Finding,
  now: Date,
): Promise<boolean> {
  const { state, attemptAt } = message.delivery;
  const sameAttempt = hasTime(message) ? { "delivery.attemptAt": attemptAt } : TIMELESS;
  const filter = { _id: message._id, "delivery.state": state, ...sameAttempt };
  const result = await db.messages.updateOne(
    filter,
    foundOut(db.documents.messages, message.delivery, finding, now),
  );
  return result.matchedCount === 1;
}

/** A message that is settled needs no more looking after: its campaign was opened since, to be counted again. */
export async function forgetSettled(db: Database, id: Id): Promise<void> {
  const { filter, update } = forgotten();
  await db.messages.updateOne({ ...filter, _id: id }, update);
}
