import type { Collection, Document } from "mongodb";
import type { Config } from "../config.ts";
import { shownId } from "../log.ts";
import type { Database, Stored } from "../mongo/client.ts";
import { distinctForms, type Id, idKey, isSearchable, slices } from "../mongo/ids.ts";
import { flag, reference, text, typeOfStandIn } from "../mongo/safe-fields.ts";
import { neutral } from "../neutral.ts";
import type { Reason } from "../problems.ts";
import type { WahaSession } from "../waha/responses.ts";

/** What a message says of where it belongs. */
export interface References {
  sessionId?: Id | null;
  campaignId?: Id | null;
}

/** What routing reads of a campaign, by this code's names. */
interface RoutedCampaign {
  _id: Id;
  sessionId?: Id | null;
  status?: unknown;
  deleted?: boolean | null;
  chatId?: unknown;
  groupId?: Id | null;
}

/** A session as the app keeps it, by this code's names. */
export interface SessionDocument {
  _id: Id;
  name?: unknown;
}

/** The chat that a campaign, or its group, gives to messages that name none: a value of any kind, as it is stored. */
interface CampaignChat {
  chatId: unknown;
}

/** What a campaign says of its messages at one moment; compared with what it says at another. */
export interface CampaignState {
  isHeld: boolean;
  /** The session of those that name none, by its key. */
  session: string;
  chat: ChatOrMissing;
}

/**
 * Where a message goes: out on a session; nowhere, as its campaign is on hold; or nowhere, for a reason that
 * a person must know. `orphaned`: it names a campaign that does not exist.
 */
export type Route = { orphaned: boolean } & (
  | { session: WahaSession; campaign: CampaignState | undefined }
  | { held: true }
  | { blocked: Reason }
);

/** Finds the route of each of `groups`, in the same order, with a query for each collection on the way, or two for sessions. */
export async function routeAll(
  db: Database,
  groups: References[],
  waha: Map<string, WahaSession>,
  config: Config,
): Promise<Route[]> {
  const ofMessages = groups.map(({ sessionId }) => sessionId).filter(isGiven);
  const [campaigns, named] = await Promise.all([findCampaigns(db, groups), findSessions(db, ofMessages)]);
  const campaignOf = (group: References) =>
    isGiven(group.campaignId) ? campaigns.get(idKey(group.campaignId)) : undefined;
  const sessionIdOf = (group: References) =>
    isGiven(group.sessionId) ? group.sessionId : (campaignOf(group)?.sessionId ?? undefined);
  const ofCampaigns = groups
    .filter(({ sessionId }) => !isGiven(sessionId))
    .map(sessionIdOf)
    .filter(isGiven)
    .filter((id) => !named.has(idKey(id)));
  const [others, stateOf] = await Promise.all([findSessions(db, ofCampaigns), findStates(db, campaigns)]);
  const sessions = new Map([...named, ...others]);
  return groups.map((group) => {
    const campaign = campaignOf(group);
    const orphaned = isGiven(group.campaignId) && !campaign;
    if (isHeld(campaign, db)) return { orphaned, held: true };
    // The account or chat that it would have used is not known, and a message from the wrong one can't be unsent.
    if (orphaned && (!isGiven(group.sessionId) || db.documents.messages.chatId === null))
      return { orphaned, blocked: { code: "campaign_not_found" } };
    // It may exist, and be on hold.
    if (orphaned && !isSearchable(group.campaignId as Id))
      return { orphaned, blocked: { code: "campaign_not_found", detail: noReference(group.campaignId, db) } };
    const by = isGiven(group.sessionId) ? "messages" : "campaigns";
    const route = routeTo(db, { by, id: sessionIdOf(group) }, sessions, waha, config);
    if ("blocked" in route) return { orphaned, ...route };
    const state = campaign && stateOf(campaign);
    // Where messages have no chat of their own, there is none without it.
    if (db.documents.messages.chatId === null && (!state || state.chat.missing))
      return { orphaned, blocked: { code: "no_chat", detail: state?.chat.missing ?? noCampaign(db) } };
    return { orphaned, ...route, campaign: givesChats(db) ? state : undefined };
  });
}

/**
 * What campaigns say as they stand now, by the campaign's key. Nothing is asked of the database where no campaign gives
 * a chat.
 */
export async function findCampaignStates(
  db: Database,
  messages: References[],
): Promise<Map<string, CampaignState>> {
  if (!givesChats(db)) return new Map();
  const campaigns = await findCampaigns(db, messages);
  const stateOf = await findStates(db, campaigns);
  return new Map([...campaigns].map(([key, campaign]) => [key, stateOf(campaign)]));
}

/** Whether campaigns, or their groups, give chats to messages. */
function givesChats({ documents: { campaigns } }: Database): boolean {
  return campaigns.chatId !== null || campaigns.groupId !== null;
}

async function findStates(
  db: Database,
  campaigns: Map<string, RoutedCampaign>,
): Promise<(campaign: RoutedCampaign) => CampaignState> {
  const chatOf = await findChats(db, campaigns);
  return (campaign) => ({
    isHeld: isHeld(campaign, db),
    session: idKey(campaign.sessionId ?? ""),
    chat: chatOf(campaign),
  });
}

/** Those of `groups` whose campaign is not on hold, in the same order. */
export async function withoutHeld<Group extends References>(db: Database, groups: Group[]): Promise<Group[]> {
  const campaigns = await findCampaigns(db, groups);
  return groups.filter(({ campaignId }) => !isHeld(campaigns.get(idKey(campaignId ?? "")), db));
}

function isHeld(campaign: RoutedCampaign | undefined, { documents }: Database): boolean {
  if (!campaign) return false;
  return campaign.deleted === true || documents.campaigns.hold.some((word) => word === campaign.status);
}

function noReference(value: unknown, { documents }: Database): string {
  const type = typeOfStandIn(value);
  return `${documents.messages.campaignId} ${type ? `is of the type ${type}` : "can't be looked up"}`;
}

/** Which session was named, and in which collection. */
interface NamedSession {
  by: "messages" | "campaigns";
  id: Id | undefined;
}

function routeTo(
  db: Database,
  named: NamedSession,
  sessions: Map<string, SessionDocument>,
  waha: Map<string, WahaSession>,
  config: Config,
): { session: WahaSession } | { blocked: Reason } {
  const { id } = named;
  const document = id === undefined ? undefined : sessions.get(idKey(id));
  // No document has it: it may be the name of a WAHA session itself.
  const name = id === undefined ? config.WAHA_DEFAULT_SESSION : document ? document.name : id;
  if (name === undefined && !document) return { blocked: { code: "no_session" } };
  const session = typeof name === "string" ? waha.get(name) : undefined;
  if (!session) {
    const isName = typeof name === "string" && name !== "" && (document || id === undefined);
    const detail = isName ? name : missingSession(db, named, document, waha);
    return { blocked: { code: "session_not_found", detail } };
  }
  if (session.status !== "WORKING") {
    return { blocked: { code: "session_not_working", detail: `${session.name}: ${session.status}` } };
  }
  return { session };
}

function missingSession(
  { documents }: Database,
  { by, id }: NamedSession,
  document: SessionDocument | undefined,
  waha: Map<string, WahaSession>,
): string {
  const { collection, name } = documents.sessions;
  if (document) return `its document of ${collection} has no ${name}`;
  const named = `"${neutral(String(shownId(id)))}"`;
  const naming = by === "messages" ? "" : `, which its document of ${documents.campaigns.collection} names,`;
  return `${named}${naming} is neither a document of ${collection} nor a session in WAHA, which has ${namesOf(waha)}`;
}

/** How many of WAHA's sessions are named where one is not among them. */
const SHOWN_NAMES = 5;

function namesOf(waha: Map<string, WahaSession>): string {
  if (waha.size === 0) return "none";
  const shown = [...waha.keys()].slice(0, SHOWN_NAMES).map(neutral).join(", ");
  return waha.size > SHOWN_NAMES ? `${shown} and ${waha.size - SHOWN_NAMES} more` : shown;
}

/** A campaign's chat, or what is missing on the way to it. */
type ChatOrMissing = (CampaignChat & { missing?: undefined }) | { missing: string; chatId?: undefined };

/** Finds the chats of campaigns: each's own, else its group's, with one query for all groups. */
async function findChats(
  db: Database,
  campaigns: Map<string, RoutedCampaign>,
): Promise<(campaign: RoutedCampaign) => ChatOrMissing> {
  const { campaigns: names, groups } = db.documents;
  const groupIds = [...campaigns.values()]
    .filter(({ chatId }) => !isGiven(chatId))
    .map(({ groupId }) => groupId);
  const chats = await findGroupChats(db, groupIds.filter(isGiven));
  return ({ chatId, groupId }) => {
    if (isGiven(chatId)) return { chatId };
    if (!groups || !isGiven(groupId))
      return {
        missing: `its document of ${names.collection} has no ${names.groupId ?? names.chatId ?? "chat"}`,
      };
    const group = chats.get(idKey(groupId));
    if (!group)
      return {
        missing: `its document of ${names.collection} names one of ${groups.collection} that does not exist`,
      };
    if (!isGiven(group.chatId))
      return { missing: `its document of ${groups.collection} has no ${groups.chatId}` };
    return { chatId: group.chatId };
  };
}

function noCampaign({ documents: { campaigns, messages } }: Database): string {
  return `it names no document of ${campaigns.collection} in ${messages.campaignId ?? "any field"}`;
}

async function findGroupChats(db: Database, ids: Id[]): Promise<Map<string, CampaignChat>> {
  const { groups: names } = db.documents;
  if (!db.groups || !names) return new Map();
  const projection = { chatId: text(names.chatId) };
  const found = await findEach<{ _id: Id; chatId?: unknown }>(db.groups, ids, projection);
  return new Map(found.map(({ _id, chatId }) => [idKey(_id), { chatId }]));
}

async function findCampaigns(db: Database, groups: References[]): Promise<Map<string, RoutedCampaign>> {
  const ids = groups.map((group) => group.campaignId).filter(isGiven);
  const { chatId, deleted, groupId, sessionId, status } = db.documents.campaigns;
  const found = await findEach<RoutedCampaign>(db.campaigns, ids, {
    status: text(status),
    ...(sessionId === null ? {} : { sessionId: reference(sessionId) }),
    ...(deleted === null ? {} : { deleted: flag(deleted) }),
    ...(chatId === null ? {} : { chatId: text(chatId) }),
    ...(groupId === null ? {} : { groupId: reference(groupId) }),
  });
  return new Map(found.map((campaign) => [idKey(campaign._id), campaign]));
}

async function findSessions(db: Database, ids: Id[]): Promise<Map<string, SessionDocument>> {
  const projection = { name: text(db.documents.sessions.name) };
  const found = await findEach<SessionDocument>(db.sessions, ids, projection);
  return new Map(found.map((session) => [idKey(session._id), session]));
}

/** Finds documents by references in either form, however many there are. */
async function findEach<T extends Document>(
  collection: Collection<Stored>,
  ids: Id[],
  projection: Document,
): Promise<T[]> {
  const found: T[][] = [];
  for (const slice of slices(distinctForms(ids)))
    found.push(
      await collection
        .find({ _id: { $in: slice } })
        .project<T>(projection)
        .toArray(),
    );
  return found.flat();
}

/** An optional reference may be absent or null; an empty string is an app's way to say neither. */
export function isGiven<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null && value !== "";
}
