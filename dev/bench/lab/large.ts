import { type Db, type Document, ObjectId } from "mongodb";
import { CAMPAIGN_INDEXES } from "../../../lib/campaigns.ts";
import { MAPPINGS } from "../../../lib/documents/mapping.ts";
import { messageIndexes } from "../../../lib/messages/indexes.ts";
import { AWAITING_RECEIPTS, RECEIPT_SECONDS } from "../../../lib/messages/receipts.ts";
import { COLLECTIONS } from "../../load/seed.ts";

/**
 * What is in a large collection: what was sent over a year, of which the last week awaits receipts, and what is to be sent
 * within a month.
 */
export interface History {
  sent: number;
  future: number;
}

const CAMPAIGNS = 1_000;
const DAY_MS = 86_400_000;

/** How many are made from one document at a time. */
const STRIDE = 1_000;

/** Fills a database as years of use would have, on the server alone, and makes the function's indexes. */
export async function fillHistory(db: Db, history: History): Promise<void> {
  const campaigns = Array.from({ length: CAMPAIGNS }, (_, place) => ({
    _id: new ObjectId(),
    name: `Campaign ${place}`,
    status: "completed",
    delivery: { open: false, rev: 1 },
  }));
  await db.collection(COLLECTIONS.campaigns).insertMany(campaigns);
  await db.collection(COLLECTIONS.campaigns).createIndexes(CAMPAIGN_INDEXES);
  const ids = campaigns.map(({ _id }) => _id);
  await db.collection("numbers").insertOne({ all: history.sent + history.future });
  await db
    .collection("numbers")
    .aggregate([...NUMBERED, ...messagesOf(history, ids), { $out: COLLECTIONS.messages }])
    .toArray();
  await db.collection(COLLECTIONS.messages).createIndexes(messageIndexes(MAPPINGS.plain.messages));
}

/** As many documents as one says, each with its number `n`. */
const NUMBERED: Document[] = [
  { $set: { thousand: { $range: [0, { $divide: ["$all", STRIDE] }] } } },
  { $unwind: "$thousand" },
  { $set: { one: { $range: [0, STRIDE] } } },
  { $unwind: "$one" },
  { $set: { n: { $add: [{ $multiply: ["$thousand", STRIDE] }, "$one"] } } },
];

/** Makes a message of each number: the first ones are sent, one after the other until yesterday. */
function messagesOf({ sent, future }: History, campaigns: ObjectId[]): Document[] {
  const now = Date.now();
  const isSent = { $lt: ["$n", sent] };
  const since = { $multiply: ["$n", (365 * DAY_MS) / sent] };
  const until = { $multiply: [{ $subtract: ["$n", sent] }, (30 * DAY_MS) / future] };
  const receiptsUntil = { $add: ["$scheduledAt", RECEIPT_SECONDS * 1000] };
  const isAwaited = { $gt: [receiptsUntil, new Date(now)] };
  const ifAwaited = (value: unknown) => ({ $cond: [isAwaited, value, "$$REMOVE"] });
  const awaited = {
    receiptsUntil: ifAwaited(receiptsUntil),
    receipt: ifAwaited("read"),
    receiptAt: ifAwaited("$scheduledAt"),
  };
  const delivered = { sentAt: "$scheduledAt", delivery: { ...DELIVERY_OF_SENT, ...awaited } };
  return [
    {
      $project: {
        _id: 0,
        campaignId: { $arrayElemAt: [campaigns, { $mod: ["$n", CAMPAIGNS] }] },
        chatId: { $concat: ["49170", { $toString: { $add: [10_000_000, "$n"] } }, "@c.us"] },
        content: { $concat: ["Your parcel is on its way, no. ", { $toString: "$n" }] },
        ...{ isSent, isPicked: isSent, isDeleted: { $literal: false } },
        scheduledAt: {
          $cond: [
            isSent,
            { $add: [new Date(now - 366 * DAY_MS), since] },
            { $add: [new Date(now + DAY_MS), until] },
          ],
        },
      },
    },
    { $replaceWith: { $mergeObjects: ["$$ROOT", { $cond: ["$isSent", delivered, {}] }] } },
  ];
}

const DELIVERY_OF_SENT: Document = {
  state: "sent",
  passId: "5a3e0a3c-1f2b-4c56-8e1f-0d6a0e6b7c11",
  claimedAt: "$scheduledAt",
  attempts: { $literal: 1 },
  attemptAt: "$scheduledAt",
  session: "load-0",
  chatId: "$chatId",
  waMessageId: { $concat: ["3EB0", "$chatId"] },
  settledAt: "$scheduledAt",
};

/** One of the partial indexes, and what it would be if it held every message. */
export interface IndexSize {
  name: string;
  partialBytes: number;
  fullBytes: number;
  /** How many entries the partial one has. */
  keys: number;
  /** It holds messages whose receipts are awaited, and not what is still to be sent. */
  isOfReceipts: boolean;
}

/** It holds every message of a campaign, and is partial for another reason. */
const OF_CAMPAIGN = "scheduler_campaign";

/**
 * Weighs the function's indexes of what is still to be worked on against full ones of the same keys, which it makes for
 * the purpose.
 */
export async function weighIndexes(db: Db): Promise<IndexSize[]> {
  const partial = messageIndexes(MAPPINGS.plain.messages).filter(({ name }) => name !== OF_CAMPAIGN);
  const { keysPerIndex } = await db.command({ validate: COLLECTIONS.messages });
  const own = await indexSizes(db);
  const fullName = (name: string | undefined) => `full_${name}`;
  await db
    .collection(COLLECTIONS.messages)
    .createIndexes(partial.map(({ name, key }) => ({ name: fullName(name), key })));
  const full = await indexSizes(db);
  await Promise.all(partial.map(({ name }) => db.collection(COLLECTIONS.messages).dropIndex(fullName(name))));
  return partial.map(({ name = "", partialFilterExpression }) => ({
    name,
    isOfReceipts: partialFilterExpression === AWAITING_RECEIPTS,
    partialBytes: own[name] ?? Number.NaN,
    fullBytes: full[fullName(name)] ?? Number.NaN,
    keys: keysPerIndex[name],
  }));
}

async function indexSizes(db: Db): Promise<Record<string, number>> {
  const [stats] = await db
    .collection(COLLECTIONS.messages)
    .aggregate([{ $collStats: { storageStats: {} } }])
    .toArray();
  return stats?.storageStats.indexSizes;
}
