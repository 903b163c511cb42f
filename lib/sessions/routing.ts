import type { CampaignDocument } from "../campaigns.ts";
import type { Config } from "../config.ts";
import type { Database } from "../mongo/client.ts";
import { distinctForms, type Id, idKey } from "../mongo/ids.ts";
import { reference, text } from "../mongo/safe-fields.ts";
import type { Reason } from "../problems.ts";
import type { WahaSession } from "../waha/responses.ts";

export interface SessionDocument {
  _id: Id;
  name?: unknown;
}

/** What a message says of where it belongs. */
export interface References {
  sessionId?: Id | null;
  campaignId?: Id | null;
}

/**
 * Where a message goes: out on a session; nowhere, as its campaign is on hold; or nowhere, for a reason that
 * a person must know. `orphaned`: it names a campaign that does not exist.
 */
export type Route = { orphaned: boolean } & ({ session: WahaSession } | { held: true } | { blocked: Reason });

/** Finds the route of each of `groups`, in the same order, with at most two queries for all of them. */
export async function routeAll(
  db: Database,
  groups: References[],
  waha: Map<string, WahaSession>,
  config: Config,
): Promise<Route[]> {
  const campaigns = await findCampaigns(db, groups);
  const campaignOf = (group: References) =>
    isGiven(group.campaignId) ? campaigns.get(idKey(group.campaignId)) : undefined;
  const sessionIdOf = (group: References) =>
    isGiven(group.sessionId) ? group.sessionId : (campaignOf(group)?.sessionId ?? undefined);
  const sessions = await findSessions(db, groups.map(sessionIdOf).filter(isGiven));
  return groups.map((group) => {
    const campaign = campaignOf(group);
    const orphaned = isGiven(group.campaignId) && !campaign;
    if (isHeld(campaign, config)) return { orphaned, held: true };
    // The account that the campaign would have used is not known, and a message from the wrong one can't be unsent.
    if (orphaned && !isGiven(group.sessionId)) return { orphaned, blocked: { code: "campaign_not_found" } };
    return { orphaned, ...routeTo(sessionIdOf(group), sessions, waha, config) };
  });
}

/** The campaigns on hold among those that `groups` name. */
export async function findHeldCampaigns(
  db: Database,
  groups: References[],
  config: Config,
): Promise<Set<string>> {
  const campaigns = await findCampaigns(db, groups);
  return new Set([...campaigns].filter(([, campaign]) => isHeld(campaign, config)).map(([key]) => key));
}

function isHeld(campaign: CampaignDocument | undefined, config: Config): boolean {
  return config.CAMPAIGN_STATUS_HOLD.some((word) => word === campaign?.status);
}

function routeTo(
  sessionId: Id | undefined,
  sessions: Map<string, SessionDocument>,
  waha: Map<string, WahaSession>,
  config: Config,
): { session: WahaSession } | { blocked: Reason } {
  const document = sessionId === undefined ? undefined : sessions.get(idKey(sessionId));
  // No document has it: it may be the name of a WAHA session itself.
  const name = sessionId === undefined ? config.WAHA_DEFAULT_SESSION : document ? document.name : sessionId;
  if (name === undefined && !document) return { blocked: { code: "no_session" } };
  const session = typeof name === "string" ? waha.get(name) : undefined;
  if (!session)
    return { blocked: { code: "session_not_found", detail: typeof name === "string" ? name : "no name" } };
  if (session.status !== "WORKING") {
    return { blocked: { code: "session_not_working", detail: `${session.name}: ${session.status}` } };
  }
  return { session };
}

async function findCampaigns(db: Database, groups: References[]): Promise<Map<string, CampaignDocument>> {
  const ids = groups.map((group) => group.campaignId).filter(isGiven);
  if (ids.length === 0) return new Map();
  const found = await db.campaigns
    .find({ _id: { $in: distinctForms(ids) } })
    .project<CampaignDocument>({ sessionId: reference("sessionId"), status: text("status") })
    .toArray();
  return new Map(found.map((campaign) => [idKey(campaign._id), campaign]));
}

async function findSessions(db: Database, ids: Id[]): Promise<Map<string, SessionDocument>> {
  if (ids.length === 0) return new Map();
  const found = await db.sessions
    .find({ _id: { $in: distinctForms(ids) } })
    .project<SessionDocument>({ name: text("name") })
    .toArray();
  return new Map(found.map((session) => [idKey(session._id), session]));
}

/** An optional reference may be absent or null; an empty string is an app's way to say neither. */
function isGiven(id: Id | null | undefined): id is Id {
  return id !== undefined && id !== null && id !== "";
}
