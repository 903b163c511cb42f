import type { Document, IndexDescription } from "mongodb";
import type { CampaignNames } from "./documents/mapping.ts";
import { countUpTo } from "./mongo/bounded-count.ts";
import type { Database } from "./mongo/client.ts";
import { canBeWritten, distinctForms, documentKey, type Id, idForms } from "./mongo/ids.ts";
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
 * @param countsFirst counts before it searches for what is left: faster where some of them are likely to be done
 * @returns how many were settled, and how many the database turned away
 */
export async function settleCampaigns(
  db: Database,
  open: OpenCampaign[],
  now: Date,
  countsFirst: boolean,
): Promise<Updated> {
  const { deleted = [], live = [] } = Object.groupBy(
    open.filter(({ _id }) => canBeWritten(_id)),
    ({ isDeleted }) => (isDeleted ? "deleted" : "live"),
  );
  const names = db.documents.campaigns;
  const [done, closable] = await Promise.all([countDone(db, live, countsFirst), findClosable(db, deleted)]);
  const settlements = [...done].map(([campaign, counts]) => settlement(names, campaign, counts, now));
  const closings = closable.map((campaign) => closing(names, campaign, now));
  const ended = new Set([...done.keys(), ...closable]);
  const unfinished = [...live, ...deleted].filter((campaign) => !ended.has(campaign));
  const [settled, closed, postponed] = await Promise.all([
    writeEach(db.campaigns, settlements),
    writeEach(db.campaigns, closings),
    postpone(
      db,
      unfinished.map(({ _id }) => _id),
      now,
    ),
  ]);
  const rejected = settled.rejected + postponed.rejected + closed.rejected;
  return { changed: settled.changed, rejected };
}

interface Write {
  filter: Document;
  update: Document;
}

/** Those campaigns of which no pass has a message in hand, be the message deleted or not. */
async function findClosable(db: Database, campaigns: OpenCampaign[]): Promise<OpenCampaign[]> {
  const inHand = { "delivery.state": { $in: ["claimed", "attempting"] } };
  const busy = await findThoseWith(db, campaigns, inHand);
  return campaigns.filter((campaign) => !busy.has(campaign));
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

export const NOT_DELETED = { isDeleted: { $ne: true } };

/** Not ended yet: what may still be sent. */
const LEFT: Document = {
  ...NOT_DELETED,
  isSent: { $ne: true },
  $nor: [
    { "delivery.state": { $in: ["sent", "unknown"] } },
    { isPicked: true, "delivery.state": { $in: ["failed", "missed"] } },
  ],
};

/** The bounded count sees no more messages than these. */
const COUNTED_AT_ONCE = 5_000;

/**
 * Counts the messages of those campaigns of which none may still be sent, by how they ended. It searches for what is
 * left before it counts, so that a campaign that is far from done is not counted in each pass.
 *
 * @param countsFirst makes a bounded count before all that; where it is not cut it is enough
 * @returns by campaign; one that is not done is not there
 */
async function countDone(
  db: Database,
  campaigns: OpenCampaign[],
  countsFirst: boolean,
): Promise<Map<OpenCampaign, Counts>> {
  let candidates = campaigns;
  if (countsFirst) {
    const { done, isCut } = await countEnds(db, campaigns, COUNTED_AT_ONCE);
    if (!isCut) return done;
    candidates = [...done.keys()];
  }
  const left = await findThoseWith(db, candidates, LEFT);
  const others = candidates.filter((campaign) => !left.has(campaign));
  return (await countEnds(db, others)).done;
}

/**
 * Counts the messages of campaigns by how they ended.
 *
 * @param most it sees no more messages than these
 * @returns the counts of the campaigns of which it saw nothing left, and whether there may be more messages
 */
async function countEnds(
  db: Database,
  campaigns: OpenCampaign[],
  most?: number,
): Promise<{ done: Map<OpenCampaign, Counts>; isCut: boolean }> {
  const stages = [{ $match: NOT_DELETED }, ...(most === undefined ? [] : [{ $limit: most }])];
  const groups = await countByCampaign<string>(db, campaigns, stages, END);
  const done = new Map<OpenCampaign, Counts>();
  for (const campaign of campaigns) {
    const ends = groups.get(campaign) ?? [];
    const counts: Counts = { total: 0, sent: 0, failed: 0, missed: 0, unknown: 0 };
    if (!ends.every(({ by }) => by in counts)) continue;
    for (const { by, count } of ends) {
      counts[by as keyof Counts] += count;
      counts.total += count;
    }
    done.set(campaign, counts);
  }
  return { done, isCut: most !== undefined && seenIn(groups) >= most };
}

/** How many messages were seen; one of several campaigns counts for each. */
function seenIn(groups: Map<OpenCampaign, { count: number }[]>): number {
  return [...groups.values()].flat().reduce((sum, { count }) => sum + count, 0);
}

/** The first search finds no more messages than these. */
const SEARCHED_AT_ONCE = 1_000;

/**
 * Those of some campaigns that have a message of this kind: by one search over all, and only where that finds too many, by
 * one for each of the others, which ends at the first.
 */
async function findThoseWith(
  db: Database,
  campaigns: OpenCampaign[],
  kind: Document,
): Promise<Set<OpenCampaign>> {
  const stages = [{ $match: kind }, { $limit: SEARCHED_AT_ONCE }];
  const groups = await countByCampaign(db, campaigns, stages, { $literal: null });
  const found = new Set(groups.keys());
  if (seenIn(groups) < SEARCHED_AT_ONCE) return found;
  const others = campaigns.filter((campaign) => !found.has(campaign));
  const searches = others.map(({ _id }, place): [string, Document] => [
    String(place),
    { ...ofCampaigns(db, idForms(_id)), ...kind },
  ]);
  const more = await countUpTo(db.messages, searches, 1);
  for (const [place, campaign] of others.entries()) if (more.has(String(place))) found.add(campaign);
  return found;
}

/**
 * Counts messages by their campaign and an expression, in one search over all campaigns: a search for each takes the
 * database ten times as long. Served by `scheduler_campaign`.
 *
 * @param stages choose among the campaigns' messages
 * @returns by campaign; one without such a message is not there
 */
async function countByCampaign<By>(
  db: Database,
  campaigns: OpenCampaign[],
  stages: Document[],
  by: Document,
): Promise<Map<OpenCampaign, { by: By; count: number }[]>> {
  const field = db.documents.messages.campaignId;
  const named = campaigns.flatMap((campaign) => idForms(campaign._id).map((form) => ({ campaign, form })));
  if (field === null || named.length === 0) return new Map();
  // Two campaigns may have the two forms of one id; then the messages are those of both.
  const byForm = [...Map.groupBy(named, ({ form }) => documentKey(form)).values()];
  const forms = byForm.flatMap(([first]) => (first ? [first.form] : []));
  const isNamed = { $match: ofCampaigns(db, forms) };
  type Found = { place: number; by: By; count: number };
  const found = await db.messages
    .aggregate<Found>([
      isNamed,
      ...stages,
      // A list that holds a campaign is found as well.
      { $unwind: `$${field}` },
      isNamed,
      { $group: { _id: { campaign: `$${field}`, by }, count: { $sum: 1 } } },
      // The database knows a number in whatever type it is written.
      {
        $project: {
          _id: 0,
          place: { $indexOfArray: [{ $literal: forms }, "$_id.campaign"] },
          by: "$_id.by",
          count: 1,
        },
      },
    ])
    .toArray();
  const groups = new Map<OpenCampaign, { by: By; count: number }[]>();
  for (const { by, count, place } of found)
    for (const { campaign } of byForm[place] ?? [])
      groups.set(campaign, [...(groups.get(campaign) ?? []), { by, count }]);
  return groups;
}

/** Matches the messages that name one of these ids as their campaign. Served by `scheduler_campaign`. */
export function ofCampaigns({ documents }: Database, ids: Id[]): Document {
  const { campaignId: field } = documents.messages;
  return field === null ? { _id: { $in: [] } } : { [field]: { $in: ids } };
}

/** How one message ended, as an expression; `left` when it did not, as {@link LEFT} has it: a flag that is no boolean is none. */
export const END: Document = {
  $cond: [
    { $or: [{ $eq: ["$isSent", true] }, { $eq: ["$delivery.state", "sent"] }] },
    "sent",
    {
      $cond: [
        {
          $or: [
            { $eq: ["$delivery.state", "unknown"] },
            { $and: [{ $eq: ["$isPicked", true] }, { $in: ["$delivery.state", ["failed", "missed"]] }] },
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
