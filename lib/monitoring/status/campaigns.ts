import type { Document } from "mongodb";
import { END, NOT_DELETED, OPEN_CAMPAIGN, ofCampaigns } from "../../campaigns.ts";
import { addSeconds } from "../../clock.ts";
import { shownId } from "../../log.ts";
import { aggregateAll } from "../../mongo/aggregate-all.ts";
import type { Database } from "../../mongo/client.ts";
import { unlessSlow } from "../../mongo/errors.ts";
import { type Id, idForms } from "../../mongo/ids.ts";
import { text } from "../../mongo/safe-fields.ts";

/** How many campaigns of each list are shown. */
const SHOWN = 20;

/** A campaign with more messages is shown without counts, as counts of a part would mislead. */
const COUNTED = 10_000;

/** Longer names are cut. In characters. */
const MAX_NAME = 80;

/** For how long a campaign that ended is shown, in seconds. */
const SHOWN_SECONDS = 24 * 3600;

/** How the messages of a campaign stand. */
export type Progress = Record<"total" | "sent" | "failed" | "missed" | "unknown" | "left", number>;

/** How many of a campaign's messages WhatsApp reports to be on a phone, to be read, and to be refused. */
export type Receipts = Record<"delivered" | "read" | "refused", number>;

interface Campaign {
  id: string;
  /** Null if it has no name that can be shown. */
  name: string | null;
  status: string | null;
  /** Null without webhooks, or if it has more messages than are counted. */
  receipts: Receipts | null;
}

/** A campaign that was opened since it was settled last, as a message of it was claimed or settled. */
export interface CampaignInProgress extends Campaign {
  /** Null if it has more messages than are counted. */
  counts: Progress | null;
}

/** A campaign that has nothing left to send. */
export interface EndedCampaign extends Campaign {
  endedAt: Date;
  /** As they were counted when it ended. */
  counts: Omit<Progress, "left">;
}

/** `more`: there are others, which are not shown. */
export interface Campaigns {
  /** Those in progress, with most left to send first. */
  shown: CampaignInProgress[];
  more: boolean;
  /** Those that ended within a day, the latest first. */
  ended: { shown: EndedCampaign[]; more: boolean };
}

interface Limits {
  maxTimeMS: number;
}

interface Found {
  _id: Id;
  name?: unknown;
  status?: unknown;
  delivery: { settledAt: Date; counts: Omit<Progress, "left"> };
}

/**
 * Finds the campaigns in progress, and those that ended within a day, and counts their messages: three requests, served
 * by `scheduler_open`, `scheduler_settled` and `scheduler_campaign`, which alone answers the count. Receipts, for which the
 * messages are read, take two more, and are left out where these take too long.
 *
 * @param hasReceipts whether webhooks come; without them nothing of a campaign that ended is counted again
 */
export async function findCampaigns(
  db: Database,
  now: Date,
  hasReceipts: boolean,
  limits: Limits,
): Promise<Campaigns> {
  const [open, ended] = await Promise.all([
    findOpen(db, hasReceipts, limits),
    findEnded(db, now, hasReceipts, limits),
  ]);
  return { ...open, ended };
}

/** Those that passes have not looked at for longest, which includes new ones. */
async function findOpen(
  db: Database,
  hasReceipts: boolean,
  limits: Limits,
): Promise<Omit<Campaigns, "ended">> {
  const { campaigns, more } = await find(db, OPEN_CAMPAIGN, { "delivery.checkedAt": 1 }, limits);
  const [counts, receipts] = await Promise.all([
    countMessages(db, campaigns, limits),
    hasReceipts ? unlessSlow(countReceipts(db, campaigns, limits)) : null,
  ]);
  const shown = campaigns.map((campaign, place) => ({
    ...described(campaign),
    counts: counts[place] ?? null,
    receipts: receipts?.[place] ?? null,
  }));
  return { shown: shown.sort(mostLeftFirst), more };
}

async function findEnded(
  db: Database,
  now: Date,
  hasReceipts: boolean,
  limits: Limits,
): Promise<Campaigns["ended"]> {
  const filter = {
    "delivery.settledAt": { $gte: addSeconds(now, -SHOWN_SECONDS) },
    // One that its app has deleted is closed without counts; and a list of dates is no time.
    "delivery.counts.total": { $type: "number" },
    $expr: { $eq: [{ $type: "$delivery.settledAt" }, "date"] },
  };
  const { campaigns, more } = await find(db, filter, { "delivery.settledAt": -1 }, limits);
  const receipts = hasReceipts ? await unlessSlow(countReceipts(db, campaigns, limits)) : null;
  const shown = campaigns.map((campaign, place) => ({
    ...described(campaign),
    endedAt: campaign.delivery.settledAt,
    counts: campaign.delivery.counts,
    receipts: receipts?.[place] ?? null,
  }));
  return { shown, more };
}

async function find(
  db: Database,
  filter: Document,
  order: Record<string, 1 | -1>,
  limits: Limits,
): Promise<{ campaigns: Found[]; more: boolean }> {
  const { name, status } = db.documents.campaigns;
  const found = await db.campaigns
    .find(filter, limits)
    .sort(order)
    .limit(SHOWN + 1)
    .project<Found>({
      status: text(status),
      ...(name === null ? {} : { name: text(name) }),
      "delivery.settledAt": 1,
      "delivery.counts": SAFE_COUNTS,
    })
    .toArray();
  const campaigns = found.slice(0, SHOWN).filter(({ _id }) => idForms(_id).length > 0);
  return { campaigns, more: found.length > SHOWN };
}

/** An app may have stored anything there since. */
const SAFE_COUNTS: Document = Object.fromEntries(
  ["total", "sent", "failed", "missed", "unknown"].map((name) => {
    const field = `$delivery.counts.${name}`;
    return [name, { $cond: [{ $isNumber: field }, { $toDouble: field }, 0] }];
  }),
);

function described({ _id, name, status }: Found): Omit<Campaign, "receipts"> {
  return { id: String(shownId(_id)), name: shownText(name), status: shownText(status) };
}

function mostLeftFirst(one: CampaignInProgress, other: CampaignInProgress): number {
  return (other.counts?.left ?? COUNTED) - (one.counts?.left ?? COUNTED);
}

function shownText(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.slice(0, MAX_NAME) : null;
}

/** Which receipts count as what: what was read was delivered, too. */
const COUNTED_AS: Record<string, readonly (keyof Receipts)[]> = {
  refused: ["refused"],
  delivered: ["delivered"],
  read: ["delivered", "read"],
  played: ["delivered", "read"],
};

/** The counts of each campaign, in the same order; undefined if it has too many messages. */
async function countMessages(
  db: Database,
  campaigns: Found[],
  limits: Limits,
): Promise<(Progress | undefined)[]> {
  const groups = await countBy<keyof Progress>(db, campaigns, END, limits);
  return groups.map((group) => {
    const counts = { total: 0, sent: 0, failed: 0, missed: 0, unknown: 0, left: 0 };
    for (const { by, count } of group) {
      counts[by] += count;
      counts.total += count;
    }
    return counts.total > COUNTED ? undefined : counts;
  });
}

/** The receipts of each campaign, in the same order; undefined if it has too many messages. */
async function countReceipts(
  db: Database,
  campaigns: Found[],
  limits: Limits,
): Promise<(Receipts | undefined)[]> {
  const receipt = text("delivery.receipt");
  const groups = await countBy<unknown>(db, campaigns, receipt, limits);
  return groups.map((group) => {
    const receipts = { delivered: 0, read: 0, refused: 0 };
    let total = 0;
    for (const { by, count } of group) {
      total += count;
      for (const kind of COUNTED_AS[String(by)] ?? []) receipts[kind] += count;
    }
    return total > COUNTED ? undefined : receipts;
  });
}

/**
 * Counts the messages of each campaign by an expression, in one request, and no more than show that it has too many.
 * Served by `scheduler_campaign`.
 *
 * @returns by campaign, in the same order
 */
async function countBy<By>(
  db: Database,
  campaigns: Found[],
  by: Document,
  limits: Limits,
): Promise<{ by: By; count: number }[][]> {
  const pipelines = campaigns.map(({ _id }, place) => [
    { $match: { ...ofCampaigns(db, idForms(_id)), ...NOT_DELETED } },
    { $limit: COUNTED + 1 },
    { $group: { _id: { place: { $literal: place }, by }, count: { $sum: 1 } } },
  ]);
  type Group = { _id: { place: number; by: By }; count: number };
  const groups = await aggregateAll<Group>(db.messages, pipelines, limits);
  const byPlace = Map.groupBy(groups, ({ _id }) => _id.place);
  return campaigns.map((_, place) =>
    (byPlace.get(place) ?? []).map(({ _id, count }) => ({ by: _id.by, count })),
  );
}
