import { END, messagesOf, OPEN_CAMPAIGN } from "../../campaigns.ts";
import { shownId } from "../../log.ts";
import type { Database } from "../../mongo/client.ts";
import { type Id, idForms } from "../../mongo/ids.ts";
import { text } from "../../mongo/safe-fields.ts";

/** How many campaigns are shown: those that passes have not looked at for longest, which includes new ones. */
const SHOWN = 20;

/** A campaign with more messages is shown without counts, as counts of a part would mislead. */
const COUNTED = 10_000;

/** Longer names are cut. In characters. */
const MAX_NAME = 80;

/** How the messages of a campaign stand. */
export type Progress = Record<"total" | "sent" | "failed" | "missed" | "unknown" | "left", number>;

/** A campaign that was opened since it was settled last, as a message of it was claimed or settled. */
export interface CampaignInProgress {
  id: string;
  /** Null if it has no name that can be shown. */
  name: string | null;
  status: string | null;
  /** Null if it has more messages than are counted. */
  counts: Progress | null;
}

/** The campaigns in progress, those with most left to send first. `more`: there are others, which are not shown. */
export interface CampaignsInProgress {
  shown: CampaignInProgress[];
  more: boolean;
}

interface Found {
  _id: Id;
  name?: unknown;
  status?: unknown;
}

/**
 * Finds the campaigns in progress and counts their messages: two requests, served by `scheduler_open` and
 * `scheduler_campaign`.
 */
export async function findCampaignsInProgress(
  db: Database,
  limits: { maxTimeMS: number },
): Promise<CampaignsInProgress> {
  const { name, status } = db.documents.campaigns;
  const found = await db.campaigns
    .find(OPEN_CAMPAIGN, limits)
    .sort({ "delivery.checkedAt": 1 })
    .limit(SHOWN + 1)
    .project<Found>({ status: text(status), ...(name === null ? {} : { name: text(name) }) })
    .toArray();
  const open = found.slice(0, SHOWN).filter(({ _id }) => idForms(_id).length > 0);
  const counts = open.length > 0 ? await countMessages(db, open, limits) : [];
  const shown = open.map(({ _id, name, status }, index) => ({
    id: String(shownId(_id)),
    name: shownText(name),
    status: shownText(status),
    counts: counts[index] ?? null,
  }));
  return { shown: shown.sort(mostLeftFirst), more: found.length > SHOWN };
}

function mostLeftFirst(one: CampaignInProgress, other: CampaignInProgress): number {
  return (other.counts?.left ?? COUNTED) - (one.counts?.left ?? COUNTED);
}

function shownText(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.slice(0, MAX_NAME) : null;
}

/** The counts of each campaign, in the same order; undefined if it has too many messages. */
async function countMessages(
  db: Database,
  campaigns: Found[],
  limits: { maxTimeMS: number },
): Promise<(Progress | undefined)[]> {
  const [first, ...others] = campaigns.map(({ _id }, index) => [
    { $match: messagesOf(db, _id) },
    { $limit: COUNTED + 1 },
    { $group: { _id: { campaign: { $literal: index }, end: END }, count: { $sum: 1 } } },
  ]);
  const rest = others.map((pipeline) => ({ $unionWith: { coll: db.messages.collectionName, pipeline } }));
  const found = await db.messages
    .aggregate<{ _id: { campaign: number; end: keyof Progress }; count: number }>(
      [...(first ?? []), ...rest],
      limits,
    )
    .toArray();
  const all = campaigns.map(() => ({ total: 0, sent: 0, failed: 0, missed: 0, unknown: 0, left: 0 }));
  for (const { _id, count } of found) {
    const progress = all[_id.campaign];
    if (!progress) continue;
    progress[_id.end] += count;
    progress.total += count;
  }
  return all.map((progress) => (progress.total > COUNTED ? undefined : progress));
}
