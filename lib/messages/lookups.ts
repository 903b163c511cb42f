import type { ClientSession, UpdateFilter } from "mongodb";
import type { Database } from "../db.ts";
import type { Delivery, Id, MessageDocument } from "../documents.ts";
import { deliveryError, type Reason } from "./writes.ts";

/** Only what may still be found out about carries a time for it, so this index holds nothing else. */
export const AWAITING_LOOKUP = { "delivery.nextLookupAt": { $exists: true } } as const;

/** A message whose POST may have arrived. */
export type Uncertain = Pick<MessageDocument, "_id" | "campaignId"> & {
  delivery: Delivery & { attemptAt: Date; session: string; chatId: string };
};

/** The messages whose lookup is due, longest due first. Served by `scheduler_lookups`. */
export async function findUncertain(db: Database, now: Date, limit: number): Promise<Uncertain[]> {
  return db.messages
    .find({ "delivery.nextLookupAt": { $lte: now }, "delivery.state": { $in: ["attempting", "unknown"] } })
    .sort({ "delivery.nextLookupAt": 1 })
    .limit(limit)
    .project<Uncertain>({ campaignId: 1, delivery: 1 })
    .toArray();
}

/** What a lookup leads to: proof, `unknown` for a person to decide, or another lookup later. */
export type Verdict =
  | { to: "sent" }
  | { to: "failed"; reason: Reason }
  | { to: "unknown"; reason: Reason; nextLookupAt: Date | undefined }
  | { to: "later"; nextLookupAt: Date | undefined };

/**
 * Records a verdict, if the message is still in the attempt that was looked up.
 *
 * @returns whether it took effect
 */
export async function recordVerdict(
  db: Database,
  message: Uncertain,
  verdict: Verdict,
  now: Date,
  session?: ClientSession,
): Promise<boolean> {
  const { state, attemptAt } = message.delivery;
  const filter = { _id: message._id as Id, "delivery.state": state, "delivery.attemptAt": attemptAt ?? null };
  const result = await db.messages.updateOne(
    filter,
    updateOf(verdict, attemptAt, now),
    session ? { session } : {},
  );
  return result.matchedCount === 1;
}

function updateOf(verdict: Verdict, attemptAt: Date, now: Date): UpdateFilter<MessageDocument> {
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
        },
        $unset: { "delivery.nextLookupAt": "", "delivery.error": "" },
      };
    case "failed":
      return {
        $set: {
          isPicked: true,
          "delivery.state": "failed",
          "delivery.settledAt": now,
          "delivery.error": deliveryError(verdict.reason, now),
        },
        $unset: { "delivery.nextLookupAt": "" },
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
