import type { Document, IndexDescription } from "mongodb";
import type { Config } from "./config.ts";
import type { Database } from "./mongo/client.ts";
import { canBeWritten, distinctForms, type Id, idForms } from "./mongo/ids.ts";
import { deliveryBefore } from "./mongo/safe-fields.ts";
import { type Updated, updateAll, writeEach } from "./mongo/updates.ts";

/** What the scheduler keeps on a campaign. */
interface CampaignDelivery {
  /** Something was claimed or settled since the campaign was last settled. */
  open: boolean;
  /** Grows each time the campaign is opened, so that a count made before can't settle it. */
  rev: number;
  checkedAt?: Date;
  settledAt?: Date;
  counts?: Record<"total" | "sent" | "failed" | "missed" | "unknown", number>;
}

export interface CampaignDocument {
  _id: Id;
  name?: unknown;
  sessionId?: Id | null;
  status?: unknown;
  completedAt?: Date | null;
  delivery?: CampaignDelivery | null;
}

/** Something of the campaign was claimed or settled since it was last settled itself. */
export const OPEN_CAMPAIGN = { "delivery.open": true } as const;

export const CAMPAIGN_INDEXES: IndexDescription[] = [
  { name: "scheduler_open", key: { "delivery.checkedAt": 1 }, partialFilterExpression: OPEN_CAMPAIGN },
];

/** How many open campaigns one pass looks at, those longest not looked at first. */
const CAMPAIGNS_A_PASS = 100;

/**
 * Opens campaigns: to be called before anything of theirs settles, or once what was over already (`unknown`) has
 * turned out to be something else. `rev` grows, so a pass that counted earlier can't settle the campaign any more. A
 * campaign on hold keeps its status.
 *
 * @returns how many the database turned away, by a validation rule say
 */
export async function openCampaigns(db: Database, ids: Id[], config: Config): Promise<number> {
  const held = { $in: ["$status", { $literal: config.CAMPAIGN_STATUS_HOLD }] };
  const sending = config.CAMPAIGN_STATUS_SENDING;
  const rev = { $cond: [{ $isNumber: "$delivery.rev" }, "$delivery.rev", 0] };
  const opened = [
    {
      $set: {
        delivery: { $mergeObjects: [deliveryBefore, { open: true, rev: { $add: [rev, 1] } }] },
        completedAt: { $cond: [held, "$completedAt", "$$REMOVE"] },
        ...(sending ? { status: { $cond: [held, "$status", { $literal: sending }] } } : {}),
      },
    },
    { $unset: ["delivery.settledAt", "delivery.counts"] },
  ];
  return (await updateAll(db.campaigns, distinctForms(ids), {}, opened)).rejected;
}

/** Its `rev` can guard a settlement. That of a list of deliveries, say, can't: then the next opening puts it right. */
const COUNTABLE: Document = { $isNumber: { $ifNull: ["$delivery.rev", 0] } };

export type OpenCampaign = CampaignDocument & { delivery: CampaignDelivery };
type Counts = NonNullable<CampaignDelivery["counts"]>;

/** The open campaigns that are not on hold, those longest not looked at first. */
export async function findOpenCampaigns(db: Database, config: Config): Promise<OpenCampaign[]> {
  return (await db.campaigns
    .find({ ...OPEN_CAMPAIGN, status: { $nin: config.CAMPAIGN_STATUS_HOLD }, $expr: COUNTABLE })
    .sort({ "delivery.checkedAt": 1 })
    .limit(CAMPAIGNS_A_PASS)
    .project({ "delivery.rev": 1 })
    .toArray()) as OpenCampaign[];
}

/**
 * Settles those of some open campaigns that have nothing left to send, each from its messages as they stand.
 * Recomputed, never counted up, so a crash anywhere heals by itself.
 *
 * @param open as found before, at any time: what was opened again since stays open
 * @returns how many were settled, and how many the database turned away
 */
export async function settleCampaigns(
  db: Database,
  open: OpenCampaign[],
  config: Config,
  now: Date,
): Promise<Updated> {
  const counted = await Promise.all(
    open
      .filter(({ _id }) => canBeWritten(_id))
      .map(async (campaign) => ({ campaign, counts: await countIfDone(db, campaign._id) })),
  );
  const settlements = counted.flatMap(({ campaign, counts }) =>
    counts ? [settlement(campaign, counts, config, now)] : [],
  );
  const unfinished = counted.filter(({ counts }) => !counts).map(({ campaign }) => campaign._id);
  const [settled, postponed] = await Promise.all([
    writeEach(db.campaigns, settlements),
    postpone(db, unfinished, now),
  ]);
  return { changed: settled.changed, rejected: settled.rejected + postponed.rejected };
}

/** Looked at, and not done: the others come first next time. */
function postpone(db: Database, ids: Id[], now: Date): Promise<Updated> {
  return updateAll(db.campaigns, ids, OPEN_CAMPAIGN, { $set: { "delivery.checkedAt": now } });
}

/** Counts a campaign's messages by how they ended; undefined while any may still be sent. Served by `scheduler_campaign`. */
async function countIfDone(db: Database, campaignId: Id): Promise<Counts | undefined> {
  const messages = { campaignId: { $in: idForms(campaignId) }, isDeleted: { $ne: true } };
  const left = await db.messages.findOne(
    {
      ...messages,
      isSent: { $ne: true },
      $nor: [
        { "delivery.state": { $in: ["sent", "unknown"] } },
        { isPicked: true, "delivery.state": { $in: ["failed", "missed"] } },
      ],
    },
    { projection: { _id: 1 } },
  );
  if (left) return undefined;
  const ends = await db.messages
    .aggregate<{ _id: string; count: number }>([
      { $match: messages },
      { $group: { _id: END, count: { $sum: 1 } } },
    ])
    .toArray();
  const counts: Counts = { total: 0, sent: 0, failed: 0, missed: 0, unknown: 0 };
  for (const { _id: end, count } of ends) {
    // Something came or came back while this was counted: then the campaign is not done.
    if (!(end in counts)) return undefined;
    counts[end as keyof Counts] = count;
    counts.total += count;
  }
  return counts;
}

/** How one message ended, as an expression; `left` when it did not. */
export const END: Document = {
  $cond: [
    { $or: ["$isSent", { $eq: ["$delivery.state", "sent"] }] },
    "sent",
    {
      $cond: [
        {
          $or: [
            { $eq: ["$delivery.state", "unknown"] },
            { $and: ["$isPicked", { $in: ["$delivery.state", ["failed", "missed"]] }] },
          ],
        },
        "$delivery.state",
        "left",
      ],
    },
  ],
};

/** Guarded by the `rev` that was read before counting: an opening since then leaves the campaign open. */
function settlement(
  { _id, delivery: { rev } }: OpenCampaign,
  counts: Counts,
  config: Config,
  now: Date,
): { filter: Document; update: Document } {
  const status =
    counts.sent === counts.total ? config.CAMPAIGN_STATUS_COMPLETED : config.CAMPAIGN_STATUS_FAILED;
  return {
    filter: { _id, ...OPEN_CAMPAIGN, "delivery.rev": rev, status: { $nin: config.CAMPAIGN_STATUS_HOLD } },
    update: {
      $set: {
        completedAt: now,
        ...(status ? { status } : {}),
        "delivery.open": false,
        "delivery.settledAt": now,
        "delivery.counts": counts,
      },
      $unset: { "delivery.checkedAt": "" },
    },
  };
}
