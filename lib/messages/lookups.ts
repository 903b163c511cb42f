import type { UpdateFilter } from "mongodb";
import type { Database, Stored } from "../mongo/client.ts";
import { canBeWritten, type Id } from "../mongo/ids.ts";
import { SHORT_ID, text } from "../mongo/safe-fields.ts";
import type { Reason } from "../problems.ts";
import { type Delivery, type MessageDocument, SAFE_FIELDS } from "./message.ts";
import { deliveryError } from "./transitions.ts";

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
      campaignId: SAFE_FIELDS.campaignId,
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

/** What a lookup leads to: proof, `unknown` for a person to decide, or another lookup later. */
export type Verdict =
  | { to: "sent" }
  | { to: "failed"; reason: Reason }
  | { to: "unknown"; reason: Reason; nextLookupAt: Date | undefined }
  | { to: "later"; nextLookupAt: Date | undefined };

/**
 * Records a verdict, if the message is still in the attempt that was looked up. What was `unknown` and is proven
 * now stays to be looked after, until `forgetSettled`.
 *
 * @returns whether it took effect
 */
export async function recordVerdict(
  db: Database,
  message: Uncertain,
  verdict: Verdict,
  now: Date,
): Promise<boolean> {
  const { state, attemptAt } = message.delivery;
  const sameAttempt = hasTime(message) ? { "delivery.attemptAt": attemptAt } : TIMELESS;
  const filter = { _id: message._id as Id, "delivery.state": state, ...sameAttempt };
  const result = await db.messages.updateOne(filter, updateOf(verdict, message, now));
  return result.matchedCount === 1;
}

/** A message that is settled needs no more looking after: its campaign was opened since, to be counted again. */
export async function forgetSettled(db: Database, id: Id): Promise<void> {
  await db.messages.updateOne(
    { _id: id, "delivery.state": { $in: ["sent", "failed"] } },
    { $unset: { "delivery.nextLookupAt": "" } },
  );
}

function updateOf(
  verdict: Verdict,
  { delivery: { attemptAt, state } }: Uncertain,
  now: Date,
): UpdateFilter<Stored> {
  const settled = nextLookup(state === "unknown" ? now : undefined);
  switch (verdict.to) {
    case "sent":
      return {
        // When it was sent exactly nobody recorded; not before the attempt.
        $set: {
          isSent: true,
          isPicked: true,
          sentAt: attemptAt,
          "delivery.state": "sent",
          "delivery.settledAt": now,
          ...settled.$set,
        },
        $unset: { "delivery.error": "", ...settled.$unset },
      };
    case "failed":
      return {
        $set: {
          isPicked: true,
          "delivery.state": "failed",
          "delivery.settledAt": now,
          "delivery.error": deliveryError(verdict.reason, now),
          ...settled.$set,
        },
        $unset: settled.$unset,
      };
    case "unknown":
      return {
        $set: {
          isPicked: true,
          "delivery.state": "unknown",
          "delivery.settledAt": now,
          "delivery.error": deliveryError(verdict.reason, now),
          ...nextLookup(verdict.nextLookupAt).$set,
        },
        $unset: nextLookup(verdict.nextLookupAt).$unset,
      };
    case "later":
      return nextLookup(verdict.nextLookupAt);
  }
}

/** When to look again, or that it is over. An empty operator is fine from MongoDB 5.0 on. */
function nextLookup(at: Date | undefined) {
  return at
    ? { $set: { "delivery.nextLookupAt": at }, $unset: {} }
    : { $set: {}, $unset: { "delivery.nextLookupAt": "" as const } };
}
