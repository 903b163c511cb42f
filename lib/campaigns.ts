import type { Document, IndexDescription } from "mongodb";
import type { CampaignNames } from "./documents/mapping.ts";
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

/** A campaign, by this code's names for its fields. */
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

/** It is over: settled from a count, or closed. */
const SETTLED_CAMPAIGN = { "delivery.settledAt": { $exists: true } } as const;

export const CAMPAIGN_INDEXES: IndexDescription[] = [
  { name: "scheduler_open", key: { "delivery.checkedAt": 1 }, partialFilterExpression: OPEN_CAMPAIGN },
  {
    name: "scheduler_settled",
    key: { "delivery.settledAt": 1 },
    partialFilterExpression: SETTLED_CAMPAIGN,
  },
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
export async function openCampaigns(db: Database, ids: Id[]): Promise<number> {
  const names = db.documents.campaigns;
  const held = isHeldExpression(names);
  const kept = (field: string, value: unknown) => ({
    [field]: { $cond: [held, `$${field}`, { $literal: value }] },
  });
  const rev = { $cond: [{ $isNumber: "$delivery.rev" }, "$delivery.rev", 0] };
  const opened = [
    {
      $set: {
        delivery: { $mergeObjects: [deliveryBefore, { open: true, rev: { $add: [rev, 1] } }] },
        completedAt: { $cond: [held, "$completedAt", "$$REMOVE"] },
        ...(names.sending === null ? {} : kept(names.status, names.sending)),
        ...(names.completed === null ? {} : kept(names.completed, false)),
      },
    },
    { $unset: ["delivery.settledAt", "delivery.counts"] },
  ];
  return (await updateAll(db.campaigns, distinctForms(ids), {}, opened)).rejected;
}

/** Its `rev` can guard a settlement. That of a list of deliveries, say, can't: then the next opening puts it right. */
const COUNTABLE: Document = { $isNumber: { $ifNull: ["$delivery.rev", 0] } };

export type OpenCampaign = CampaignDocument & { delivery: CampaignDelivery; isDeleted: boolean };
type Counts = NonNullable<CampaignDelivery["counts"]>;

/** The open campaigns that are not on hold, those longest not looked at first; deleted ones are to be closed. */
export async function findOpenCampaigns(db: Database): Promise<OpenCampaign[]> {
  const { deleted, hold, status } = db.documents.campaigns;
  const isDeleted = deleted === null ? { $literal: false } : { $eq: [`$${deleted}`, true] };
  const candidates = deleted === null ? [] : [{ [deleted]: true }];
  const found = await db.campaigns
    .find({
      ...OPEN_CAMPAIGN,
      $or: [{ [status]: { $nin: hold } }, ...candidates],
      $expr: COUNTABLE,
    })
    .sort({ "delivery.checkedAt": 1 })
    .limit(CAMPAIGNS_A_PASS)
    .project<OpenCampaign>({ "delivery.rev": 1, isDeleted })
    .toArray();
  return found;
}

/**
 * Settles those of some open campaigns that have nothing left to send, each from its messages as they stand.
 * Recomputed, never counted up, so a crash anywhere heals by itself.
 *
 * @param open as found before, at any time: what was opened again since stays open
 * @returns how many were settled, and how many the database turned away
 */
export async function settleCampaigns(db: Database, open: OpenCampaign[], now: Date): Promise<Updated> {
  const { deleted = [], live = [] } = Object.groupBy(
    open.filter(({ _id }) => canBeWritten(_id)),
    ({ isDeleted }) => (isDeleted ? "deleted" : "live"),
  );
  const names = db.documents.campaigns;
  const [settlements, closings] = await Promise.all([
    writesOf(live, async (campaign) => {
      const counts = await countIfDone(db, campaign._id);
      return counts && settlement(names, campaign, counts, now);
    }),
    writesOf(deleted, async (campaign) =>
      (await isUnderWay(db, campaign._id)) ? undefined : closing(names, campaign, now),
    ),
  ]);
  const [settled, closed, postponed] = await Promise.all([
    writeEach(db.campaigns, settlements.writes),
    writeEach(db.campaigns, closings.writes),
    postpone(db, [...settlements.unfinished, ...closings.unfinished], now),
  ]);
  const rejected = settled.rejected + postponed.rejected + closed.rejected;
  return { changed: settled.changed, rejected };
}

interface Write {
  filter: Document;
  update: Document;
}

/** The writes that end some campaigns, and the ids of those that are not done. */
async function writesOf(
  campaigns: OpenCampaign[],
  writeOf: (campaign: OpenCampaign) => Promise<Write | undefined>,
): Promise<{ writes: Write[]; unfinished: Id[] }> {
  const all = await Promise.all(
    campaigns.map(async (campaign) => ({ _id: campaign._id, write: await writeOf(campaign) })),
  );
  return {
    writes: all.flatMap(({ write }) => write ?? []),
    unfinished: all.filter(({ write }) => !write).map(({ _id }) => _id),
  };
}

/** Whether a pass has a message of the campaign in hand, deleted or not. Served by `scheduler_campaign`. */
async function isUnderWay(db: Database, campaignId: Id): Promise<boolean> {
  const { isDeleted: _any, ...messages } = messagesOf(db, campaignId);
  const underWay = { ...messages, "delivery.state": { $in: ["claimed", "attempting"] } };
  return (await db.messages.findOne(underWay, { projection: { _id: 1 } })) !== null;
}

/** The app has deleted it: it is looked at no more, and no word of the app's is written. Guarded as a settlement is. */
function closing(names: CampaignNames, { _id, delivery: { rev } }: OpenCampaign, now: Date): Write {
  const isDeleted = names.deleted === null ? {} : { [names.deleted]: true };
  return {
    filter: { _id, ...OPEN_CAMPAIGN, "delivery.rev": rev, ...isDeleted },
    update: {
      $set: { "delivery.open": false, "delivery.settledAt": now },
      $unset: { "delivery.checkedAt": "" },
    },
  };
}

/** Looked at, and not done: the others come first next time. */
function postpone(db: Database, ids: Id[], now: Date): Promise<Updated> {
  return updateAll(db.campaigns, ids, OPEN_CAMPAIGN, { $set: { "delivery.checkedAt": now } });
}

/** Counts a campaign's messages by how they ended; undefined while any may still be sent. Served by `scheduler_campaign`. */
async function countIfDone(db: Database, campaignId: Id): Promise<Counts | undefined> {
  const messages = messagesOf(db, campaignId);
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

/** Matches the messages of a campaign that are not deleted. Served by `scheduler_campaign`. */
export function messagesOf(db: Database, campaignId: Id): Document {
  const { campaignId: field } = db.documents.messages;
  const isOf = field === null ? { _id: { $in: [] } } : { [field]: { $in: idForms(campaignId) } };
  return { ...isOf, isDeleted: { $ne: true } };
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
  names: CampaignNames,
  { _id, delivery: { rev } }: OpenCampaign,
  counts: Counts,
  now: Date,
): Write {
  const isComplete = counts.sent === counts.total;
  const word = isComplete ? names.completedWord : names.failedWord;
  return {
    filter: { _id, ...OPEN_CAMPAIGN, "delivery.rev": rev, ...notHeld(names) },
    update: {
      $set: {
        completedAt: now,
        ...(word === null ? {} : { [names.status]: word }),
        ...(names.completed === null ? {} : { [names.completed]: isComplete }),
        "delivery.open": false,
        "delivery.settledAt": now,
        "delivery.counts": counts,
      },
      $unset: { "delivery.checkedAt": "" },
    },
  };
}

/** Matches campaigns that are not on hold. */
function notHeld({ deleted, hold, status }: CampaignNames): Document {
  return { [status]: { $nin: hold }, ...(deleted === null ? {} : { [deleted]: { $ne: true } }) };
}

/** Whether a campaign is on hold, as an expression. */
function isHeldExpression({ deleted, hold, status }: CampaignNames): Document {
  const byStatus = { $in: [`$${status}`, { $literal: hold }] };
  return deleted === null ? byStatus : { $or: [byStatus, { $eq: [`$${deleted}`, true] }] };
}
