import type { IndexDescription } from "mongodb";
import type { MessageNames } from "../documents/mapping.ts";
import { PICKED_ELSEWHERE, PICKED_SINCE_RELEASED, WRONG_DATE, withoutFlag } from "./audit.ts";
import { CLAIMED } from "./claims.ts";
import { LIVE } from "./due.ts";
import { AWAITING_LOOKUP } from "./lookups.ts";
import { AWAITING_RECEIPTS } from "./receipts.ts";

/**
 * The indexes of the messages, each beside the query that needs it (the partial filter is that query's own constant).
 * The campaigns' count holds every message of a campaign, the receipts' those of a week. The others hold only what is
 * still to be worked on, or ended unsent, so they stay small. All are partial: Prisma's `db push` drops those that are not, and that its schema does
 * not know.
 */
export function messageIndexes({ campaignId }: MessageNames): IndexDescription[] {
  return [...OWN_INDEXES, ...(campaignId === null ? [] : [ofCampaign(campaignId)])];
}

const ofCampaign = (field: string): IndexDescription => ({
  name: "scheduler_campaign",
  key: { [field]: 1, isDeleted: 1, isSent: 1, isPicked: 1, "delivery.state": 1 },
  partialFilterExpression: { [field]: { $exists: true } },
});

function withoutOne(name: string, flag: string): IndexDescription {
  return { name, key: { [flag]: 1 }, partialFilterExpression: { $or: withoutFlag(flag) } };
}

/** What ended unsent: failed, missed or unknown. Served by `scheduler_ended`, by the time at which it ended. */
export const ENDED_UNSENT = {
  isPicked: true,
  isSent: false,
  "delivery.settledAt": { $exists: true },
} as const;

const OWN_INDEXES: IndexDescription[] = [
  { name: "scheduler_due", key: { scheduledAt: 1 }, partialFilterExpression: LIVE },
  { name: "scheduler_claimed", key: { "delivery.claimExpiresAt": 1 }, partialFilterExpression: CLAIMED },
  {
    name: "scheduler_lookups",
    key: { "delivery.nextLookupAt": 1 },
    partialFilterExpression: AWAITING_LOOKUP,
  },
  {
    name: "scheduler_receipts",
    key: { "delivery.waMessageId": 1 },
    partialFilterExpression: AWAITING_RECEIPTS,
  },
  {
    name: "scheduler_receipts_until",
    key: { "delivery.receiptsUntil": 1 },
    partialFilterExpression: AWAITING_RECEIPTS,
  },
  {
    name: "scheduler_receipts_session",
    key: { "delivery.session": 1, "delivery.receiptsUntil": 1 },
    partialFilterExpression: AWAITING_RECEIPTS,
  },
  { name: "scheduler_ended", key: { "delivery.settledAt": 1 }, partialFilterExpression: ENDED_UNSENT },
  // The audit's: each is empty as long as every document is as it should be.
  withoutOne("scheduler_no_is_sent", "isSent"),
  withoutOne("scheduler_no_is_deleted", "isDeleted"),
  withoutOne("scheduler_no_is_picked", "isPicked"),
  { name: "scheduler_wrong_date", key: { scheduledAt: 1, isPicked: 1 }, partialFilterExpression: WRONG_DATE },
  {
    name: "scheduler_elsewhere",
    key: { isPicked: 1, delivery: 1 },
    partialFilterExpression: PICKED_ELSEWHERE,
  },
  {
    name: "scheduler_elsewhere_released",
    key: { isPicked: 1, "delivery.state": 1 },
    partialFilterExpression: PICKED_SINCE_RELEASED,
  },
];
