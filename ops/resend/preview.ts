import type { Config } from "../../lib/config.ts";
import { shownId } from "../../lib/log.ts";
import type { Database } from "../../lib/mongo/client.ts";
import { type Id, idForms, idKey } from "../../lib/mongo/ids.ts";
import { flag, text } from "../../lib/mongo/safe-fields.ts";
import { columns, counted, harmless, listed } from "../format.ts";
import { countLate, secondsAMessage } from "../pacing.ts";
import type { Options } from "./options.ts";
import type { EndedGroup, Survey } from "./selection.ts";

/** How many groups a person is shown. */
const SHOWN_GROUPS = 20;

/** How many campaigns are looked up. */
const MOST_CAMPAIGNS = 1000;

const HEAD = ["state", "code", "campaign", "messages", "were due"];

/** What is about to be done, as lines for a person; never a text or a chat. */
export async function preview(
  db: Database,
  config: Config,
  { firstIds, groups }: Survey,
  options: Options,
): Promise<string[]> {
  const total = totalOf(groups);
  const shown = groups.slice(0, SHOWN_GROUPS).map(rowOf);
  const more = groups.length - shown.length;
  const spread = options.spread > 0 ? `, spread over ${options.spread} s` : "";
  return [
    `${counted(total, "message")} would be due again, ${options.at?.toISOString() ?? "now"}${spread}:`,
    "",
    ...columns([HEAD, ...shown]).map((line) => `  ${harmless(line)}`),
    ...(more > 0 ? [`  and ${counted(more, "smaller group")}`] : []),
    "",
    `First ids: ${harmless(listed(firstIds.map((id) => String(shownId(id)))))}`,
    ...(await campaignNotes(db, groups)),
    ...unknownNotes(groups),
    ...pacingNotes(config, total, options.spread),
  ];
}

export function totalOf(groups: EndedGroup[]): number {
  return groups.reduce((sum, { count }) => sum + count, 0);
}

function rowOf({ state, code, campaignId, count, oldest, newest }: EndedGroup): string[] {
  const moments = [...new Set([oldest, newest].map(momentShown))].join(" to ");
  return [
    state,
    String(code ?? "-"),
    String(shownId(campaignId) ?? "-"),
    count.toLocaleString("en"),
    moments,
  ];
}

function momentShown(moment: unknown): string {
  return moment instanceof Date && !Number.isNaN(moment.getTime())
    ? `${moment.toISOString().slice(0, 19)}Z`
    : "?";
}

async function campaignNotes(db: Database, groups: EndedGroup[]): Promise<string[]> {
  const ids = new Map<string, Id>();
  for (const { campaignId } of groups)
    if (campaignId && ids.size < MOST_CAMPAIGNS) ids.set(idKey(campaignId), campaignId);
  if (ids.size === 0) return [];
  const { deleted, hold, status } = db.documents.campaigns;
  const found = await db.campaigns
    .find({ _id: { $in: [...ids.values()].flatMap(idForms) } })
    .project<{ _id: Id; status?: unknown; deleted?: boolean | null }>({
      status: text(status),
      ...(deleted === null ? {} : { deleted: flag(deleted) }),
    })
    .toArray();
  const known = new Set(found.map(({ _id }) => idKey(_id)));
  const gone = [...ids].filter(([key]) => !known.has(key)).map(([, id]) => String(shownId(id)));
  const held = found.flatMap((campaign) => {
    if (campaign.deleted) return [`${shownId(campaign._id)} (deleted)`];
    return hold.some((word) => word === campaign.status)
      ? [`${shownId(campaign._id)} (${campaign.status})`]
      : [];
  });
  const notes: string[] = [];
  if (held.length > 0)
    notes.push(
      `On hold: ${listed(held)}. Nothing of it is sent until that changes; resumed after the window, it is missed again`,
    );
  if (gone.length > 0)
    notes.push(
      `No such campaign in ${db.documents.campaigns.collection}: ${listed(gone)}. ${tellOrphans(db)}`,
    );
  return notes.map((note) => `Note: ${harmless(note)}`);
}

/** A message can do without its campaign only where it may name all that is needed itself. */
function tellOrphans({ documents: { messages } }: Database): string {
  return messages.chatId === null || messages.sessionId === null
    ? "Its messages are not sent: without it they have no chat or session"
    : "Its messages are sent only if each names a session and a chat itself";
}

function unknownNotes(groups: EndedGroup[]): string[] {
  const count = totalOf(groups.filter(({ state }) => state === "unknown"));
  if (count === 0) return [];
  return [
    `Note: ${counted(count, "unknown message")} may have arrived, and then arrives TWICE. Each is marked isDeleted, and a copy of it is sent`,
  ];
}

/** At the worst they all go out on one session. */
function pacingNotes(config: Config, total: number, spread: number): string[] {
  const each = secondsAMessage(config);
  const times = Array.from({ length: total }, (_, place) => (place * spread * 1000) / total);
  const late = countLate(times, 0, each, config.LOOKBACK_SECONDS);
  if (late === 0) return [];
  return [
    `Note: on one session about ${late.toLocaleString("en")} of them would be missed again, at ${each.toFixed(1)} s a message and a window of ${config.LOOKBACK_SECONDS} s. --spread ${Math.ceil(total * each)} leaves room for all`,
  ];
}
