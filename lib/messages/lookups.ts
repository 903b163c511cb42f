import { addSeconds } from "../clock.ts";
import type { Database } from "../mongo/client.ts";
import { isOfOneDocument } from "../mongo/errors.ts";
import { canBeWritten, type Id } from "../mongo/ids.ts";
import { SHORT_ID, text } from "../mongo/safe-fields.ts";
import { type Delivery, type MessageDocument, RECEIPTS, referenceOf } from "./message.ts";
import { completed, type Finding, forgotten, foundOut, ownPart, type Seen } from "./transitions.ts";

/** Only what a pass must look after again carries a time for it, so this index holds nothing else. */
export const AWAITING_LOOKUP = { "delivery.nextLookupAt": { $exists: true } } as const;

/** A message whose `nextLookupAt` is past: its POST may have arrived, or it is settled and something is left to do. */
export type Uncertain = Pick<MessageDocument, "_id" | "campaignId"> & {
  delivery: Delivery & { attemptAt: Date; session: string; chatId: string };
};

/** What is older than a day is not looked up: a time that lies further ahead is not believed, and looked after now. */
const FORESEEN_LOOKUP_SECONDS = 24 * 3600;

const STATES = ["attempting", "unknown", "sent", "failed"];

/**
 * The messages that a pass is to look after, longest due first: those to be looked up, and settled ones that still need
 * something: their campaign opened, the app's fields written, or people told. Served by `scheduler_lookups`.
 */
export async function findUncertain(db: Database, now: Date, limit: number): Promise<Uncertain[]> {
  const found = await db.messages
    .find({
      $or: [
        { "delivery.nextLookupAt": { $lte: now } },
        { "delivery.nextLookupAt": { $gt: addSeconds(now, FORESEEN_LOOKUP_SECONDS) } },
      ],
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
      "delivery.receipt": text("delivery.receipt"),
      "delivery.provenAt": 1,
      "delivery.nextLookupAt": 1,
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
 * Records what a lookup found, if the message is still in the attempt that was looked up, and no receipt came since.
 * What was `unknown` and is proven now stays to be looked after, until `forgetSettled`.
 *
 * @returns whether it took effect
 * @throws the driver's error where the database turns it away; then it stands in `delivery` alone, if that can be
 */
export async function recordFinding(
  db: Database,
  message: Uncertain,
  finding: Finding,
  now: Date,
): Promise<boolean> {
  const { state, attemptAt, receipt } = message.delivery;
  const sameAttempt = hasTime(message) ? { "delivery.attemptAt": attemptAt } : TIMELESS;
  const others = RECEIPTS.filter((other) => other !== receipt);
  const asSeen = { "delivery.state": state, "delivery.receipt": { $nin: others } };
  const filter = { _id: message._id, ...asSeen, ...sameAttempt };
  const update = foundOut(db.documents.messages, message.delivery, finding, now);
  try {
    const result = await db.messages.updateOne(filter, update);
    return result.matchedCount === 1;
  } catch (error) {
    if (!isOfOneDocument(error) || finding.to === "later") throw error;
    await db.messages.updateOne(filter, ownPart(update, finding.to, now));
    throw error;
  }
}

/**
 * A message that is settled needs no more looking after: its campaign was opened since, to be counted again.
 *
 * @param seen as the message was before its campaign was opened
 * @returns whether this took effect: no other pass was faster, and nothing came since
 */
export async function forgetSettled(db: Database, id: Id, seen: Seen): Promise<boolean> {
  const { filter, update } = forgotten(seen);
  return (await db.messages.updateOne({ ...filter, _id: id }, update)).modifiedCount === 1;
}

/** Writes the app's fields of a message that was sent, and of which the database took `delivery` alone. */
export async function completeSent(db: Database, id: Id): Promise<void> {
  const { filter, update } = completed(db.documents.messages);
  await db.messages.updateOne({ ...filter, _id: id }, update);
}

/** Looks after a message later, as what is to be written on it can't be now. */
export async function postponeLookup(db: Database, id: Id, until: Date): Promise<void> {
  const update = { $set: { "delivery.nextLookupAt": until } };
  await db.messages.updateOne({ ...AWAITING_LOOKUP, _id: id }, update);
}
