import type { Id } from "../../../lib/mongo/ids.ts";
import type { ChaosCampaign, ChaosMessage, RoundRecord } from "../record.ts";
import { campaignsSeen, isOnHold } from "./references.ts";
import type { Trail } from "./round.ts";
import { inForceBetween } from "./steps.ts";

/** For how long the process may have been held up between a look and the claim that rests on it. */
export const LOOK_BEFORE_MS = 10_000;

/** The sessions that a message names, by itself or else by its campaign in whichever form. */
export function sessionsOf(
  { sessionId }: ChaosMessage,
  campaigns: ChaosCampaign[],
  { sessions }: RoundRecord,
): Set<string> {
  const references = isGiven(sessionId) ? [sessionId] : campaigns.map((campaign) => campaign.sessionId);
  return new Set(references.filter(isGiven).map((id) => sessions.get(String(id)) ?? String(id)));
}

/** Every session that a message named, by itself or by its campaign, at some moment of a span. */
export function sessionsNamed(
  { history }: Trail,
  from: number,
  until: number,
  record: RoundRecord,
): Set<string> {
  const messages = inForceBetween(history, from, until).flatMap(({ document }) => document ?? []);
  return new Set(
    messages.flatMap((message) => [
      ...sessionsOf(message, campaignsSeen(message, from, until, record), record),
    ]),
  );
}

/** The session on which a message was to go out in all of a span; undefined if there were several, or it had to wait. */
export function soleSession(
  trail: Trail,
  from: number,
  until: number,
  record: RoundRecord,
): string | undefined {
  const messages = inForceBetween(trail.history, from, until).flatMap(({ document }) => document ?? []);
  const campaigns = messages.flatMap((message) => campaignsSeen(message, from, until, record));
  if (campaigns.some((campaign) => isOnHold(campaign, record))) return undefined;
  const [session, ...others] = sessionsNamed(trail, from, until, record);
  return others.length === 0 ? session : undefined;
}

function isGiven(reference: Id | null | undefined): reference is Id {
  return reference !== undefined && reference !== null && reference !== "";
}
