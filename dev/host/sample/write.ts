import type { Db, Document } from "mongodb";
import type { Mapping, MessageNames } from "../../../lib/documents/mapping.ts";
import { documentKey, type Id } from "../../../lib/mongo/ids.ts";
import type { CampaignPlan, SampleCampaign, SampleMedia, SampleMessage, Stored } from "./sample.ts";
import type { Style } from "./styles.ts";

/**
 * Writes a campaign by an app's names and in its library's style. Where messages have no chat of their own, each chat
 * has a group, and a campaign of its own.
 */
export function writeCampaign(names: Mapping, style: Style, plan: CampaignPlan): SampleCampaign {
  const chatsOnMessages = names.messages.chatId !== null;
  const sets = chatsOnMessages ? [plan.messages] : plan.messages.map((each) => [each]);
  const parts = sets.map((messages, place) => {
    const part = { ...plan, messages, hint: chatsOnMessages ? plan.hint : `${plan.hint}-${place + 1}` };
    return writePart(names, style, part);
  });
  const campaigns = parts.flatMap(({ campaign }) => campaign ?? []);
  const namesSession = campaigns.length > 0 && style.keepsSessions;
  return {
    name: plan.name ?? "(none)",
    session: plan.session,
    campaigns,
    groups: parts.flatMap(({ group }) => group ?? []),
    sessions: namesSession ? [sessionDocument(names, style, plan.session)] : [],
    messages: parts.flatMap(({ messages }) => messages),
  };
}

/** The messages of one campaign document, or of none. */
function writePart(names: Mapping, style: Style, plan: CampaignPlan) {
  const messages = plan.messages.map((planned) => {
    const { expected = { end: "sent", session: plan.session, chatId: planned.chatId } as const } = planned;
    return { ...planned, expected, media: placeFor(names.messages, planned.media) };
  });
  const isByChat = names.messages.chatId === null;
  const hasCampaign = isByChat || plan.name !== null;
  const group = isByChat ? groupDocument(names, style, plan) : undefined;
  const campaign = hasCampaign ? campaignDocument(names, style, plan, group?._id) : undefined;
  const ids = { campaignId: campaign?._id, sessionId: style.sessionId(plan.session) };
  return {
    group,
    campaign: campaign && {
      document: campaign,
      endStatus: endStatus(names.campaigns, campaign, messages),
    },
    messages: messages.map(
      (message, place): SampleMessage => ({
        ...message,
        document: messageDocument(names.messages, style, `${plan.hint}-message-${place + 1}`, message, ids),
      }),
    ),
  };
}

/** The file, if the app has a place for its kind. */
function placeFor({ media }: MessageNames, file: SampleMedia | undefined): SampleMedia | undefined {
  if (typeof media === "string") return file;
  return media.some(({ kind }) => kind === file?.kind) ? file : undefined;
}

function messageDocument(
  names: MessageNames,
  style: Style,
  hint: string,
  facts: Omit<SampleMessage, "document">,
  ids: { campaignId: Id | undefined; sessionId: Id },
): Stored {
  return written(style, style.id(hint), style.extras.message, [
    [names.campaignId, ids.campaignId && style.reference(ids.campaignId)],
    [names.sessionId, style.namesSessions ? ids.sessionId : undefined],
    [names.chatId, facts.chatId],
    [names.content, facts.content],
    ...mediaFields(names.media, facts.media),
    [names.failed, false],
    [names.failedReason, undefined],
    ["scheduledAt", facts.scheduledAt],
    ["isSent", false],
    ["isDeleted", facts.isDeleted ?? false],
    ["isPicked", false],
  ]);
}

type Fields = [name: string | null, value: unknown][];

function mediaFields(names: MessageNames["media"], media: SampleMedia | undefined): Fields {
  if (typeof names === "string") return [[names, media]];
  return names.flatMap(({ kind, url, when = null }): Fields => {
    const isThis = media?.kind === kind;
    return [
      [url, isThis ? media.url : undefined],
      [when, isThis],
    ];
  });
}

function campaignDocument(
  { campaigns: names }: Mapping,
  style: Style,
  { hint, isOnHold, messages, name, session }: CampaignPlan,
  groupId: Id | undefined,
): Stored {
  return written(style, style.id(hint), style.extras.campaign, [
    [names.sessionId, style.sessionId(session)],
    [names.groupId, groupId],
    [names.name, name ?? undefined],
    [names.status, isOnHold ? names.hold[0] : style.newStatus],
    [names.completed, false],
    [names.deleted, messages.every(({ isDeleted }) => isDeleted)],
  ]);
}

function groupDocument({ groups: names }: Mapping, style: Style, { hint, messages }: CampaignPlan): Stored {
  return written(style, style.id(`${hint}-group`), {}, [[names?.chatId ?? null, messages[0]?.chatId]]);
}

function sessionDocument({ sessions: names }: Mapping, style: Style, session: string): Stored {
  return written(style, style.sessionId(session), {}, [[names.name, session]]);
}

/** A document with those of the fields that the app has. */
function written({ unset }: Style, _id: Id, extras: Document, fields: Fields): Stored {
  const known = fields.flatMap(([name, value = unset]) =>
    name === null || value === undefined ? [] : [[name, value]],
  );
  return { _id, ...extras, ...Object.fromEntries(known) };
}

/** The status that a campaign must end with: deleted messages and those of a campaign on hold do not count. */
function endStatus(
  { completedWord, failedWord, status }: Mapping["campaigns"],
  campaign: Document,
  messages: Pick<SampleMessage, "expected">[],
): string {
  const ends = messages.map(({ expected }) => expected.end).filter((end) => end !== "untouched");
  const word = ends.every((end) => end === "sent") ? completedWord : failedWord;
  return (ends.length > 0 && word) || campaign[status];
}

/** Writes the sample to an empty database. */
export async function insertSample(
  db: Db,
  { campaigns, groups, messages, sessions }: Mapping,
  sample: SampleCampaign[],
): Promise<void> {
  const all = <T>(of: (campaign: SampleCampaign) => T[]) => sample.flatMap(of);
  // Several campaigns are sent on one session.
  const each = new Map(all((one) => one.sessions).map((session) => [documentKey(session._id), session]));
  const collections: [name: string | undefined, documents: Stored[]][] = [
    [sessions.collection, [...each.values()]],
    [groups?.collection, all((one) => one.groups)],
    [campaigns.collection, all((one) => one.campaigns.map(({ document }) => document))],
    [messages.collection, all((one) => one.messages.map(({ document }) => document))],
  ];
  for (const [name, documents] of collections)
    if (name && documents.length > 0) await db.collection<Stored>(name).insertMany(documents);
}
