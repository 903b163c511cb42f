import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../config.ts";
import type { DueGroup } from "../../messages/due.ts";
import type { ClaimedMessage } from "../../messages/transitions.ts";
import { documentKey, type Id, idKey } from "../../mongo/ids.ts";
import type { CampaignState, References } from "../../sessions/routing.ts";
import type { WahaSession } from "../../waha/responses.ts";

/** A due message, and what it said of where it belongs when its session was found. */
export interface DueMessage extends References {
  _id: Id;
  scheduledAt: Date;
  isDeferred: boolean;
  /** What its campaign said, where campaigns give chats. */
  campaign?: CampaignState | undefined;
}

/** What is due on one session, in the order in which it goes out. */
export interface SessionBacklog {
  session: WahaSession;
  count: number;
  groups: DueGroup[];
  next: DueMessage[];
}

/** What to claim, by session. */
export type ClaimPlan = Map<string, DueMessage[]>;

/** How a session stands in this pass. */
export interface WorkerStatus {
  /** It has something to send, so it holds one of the places. */
  active: boolean;
  /** Claimed and not yet sent. */
  queued: number;
  /** How many it can soon start, with what is queued. */
  target: number;
  /** How often it was given messages. */
  served: number;
}

const MAX_CLAIM = 200;

/**
 * How many messages a session can soon start.
 *
 * @param soon the first can start after `waitMs`, the last must within `withinMs`; one costs `msPerMessage`, without the
 * gap
 */
export function startableSoon(
  { SEND_GAP_MS, SEND_GAP_JITTER_MS }: Config,
  soon: { waitMs: number; withinMs: number; msPerMessage: number },
): number {
  const { waitMs, withinMs, msPerMessage } = soon;
  const stepMs = msPerMessage + SEND_GAP_MS + SEND_GAP_JITTER_MS / 2;
  return Math.min(MAX_CLAIM, Math.max(0, Math.ceil((withinMs - Math.max(0, waitMs)) / stepMs)));
}

/**
 * Decides how many of which session to claim: no more of one than it can soon start, and of no more sessions
 * than may send at once. While sessions wait for a place, a session that holds one gets nothing more until it has
 * given its place up, so that one long queue never keeps the others out.
 *
 * @param statusOf how each session stands; also those not heard of yet
 * @param freePlaces how many more sessions may begin to send
 * @returns what to claim
 */
export function planClaims(
  backlogs: SessionBacklog[],
  statusOf: (session: string) => WorkerStatus,
  freePlaces: number,
): ClaimPlan {
  const all = backlogs.map((backlog) => ({ backlog, status: statusOf(backlog.session.name) }));
  const waiting = all
    .filter(({ backlog, status }) => !status.active && status.target > 0 && backlog.next.length > 0)
    .sort((a, b) => a.status.served - b.status.served || oldest(a.backlog) - oldest(b.backlog));
  const crowded = waiting.length > freePlaces;
  const chosen = waiting.slice(0, freePlaces);
  if (!crowded) chosen.push(...all.filter(({ status }) => status.active));
  const plan: ClaimPlan = new Map();
  for (const { backlog, status } of chosen) {
    const room = Math.max(0, status.target - status.queued);
    if (room > 0 && backlog.next.length > 0) plan.set(backlog.session.name, backlog.next.slice(0, room));
  }
  return plan;
}

/** Identifies a due message by its id and its time: one that the app reschedules counts as new. */
export function dueKey({ _id, scheduledAt }: Pick<DueMessage, "_id" | "scheduledAt">): string {
  return `${documentKey(_id)} ${scheduledAt.getTime()}`;
}

/** The same backlog without some messages, given by their `dueKey`. */
export function withoutMessages(backlog: SessionBacklog, keys: ReadonlyMap<string, unknown>): SessionBacklog {
  if (keys.size === 0) return backlog;
  const next = backlog.next.filter((message) => !keys.has(dueKey(message)));
  return { ...backlog, next, count: backlog.count - (backlog.next.length - next.length) };
}

function oldest(backlog: SessionBacklog): number {
  return backlog.next[0]?.scheduledAt.getTime() ?? 0;
}

/** The sessions of which a plan leaves something due. */
export function leftOver(backlogs: SessionBacklog[], plan: ClaimPlan): string[] {
  const left = backlogs.filter(({ count, session }) => count > (plan.get(session.name)?.length ?? 0));
  return left.map(({ session }) => session.name);
}

/** Claimed messages, each with the session it was planned for; of `moved` something has changed in the meantime. */
export interface Assignment {
  bySession: Map<string, ClaimedMessage[]>;
  moved: ClaimedMessage[];
}

/**
 * Hands what was claimed to the sessions for which it was planned, in the plan's order.
 *
 * @param campaigns what campaigns say by now, by the campaign's key
 */
export function assign(
  plan: ClaimPlan,
  claimed: ClaimedMessage[],
  campaigns: Map<string, CampaignState> = new Map(),
): Assignment {
  const messages = new Map(claimed.map((message) => [documentKey(message._id), message]));
  const assignment: Assignment = { bySession: new Map(), moved: [] };
  for (const [session, planned] of plan) {
    const own: ClaimedMessage[] = [];
    for (const due of planned) {
      const message = messages.get(documentKey(due._id));
      if (!message) continue;
      const campaign = campaigns.get(idKey(message.campaignId ?? ""));
      // By value: what is no text is read as an object, a new one each time.
      const isAsPlanned = belongsAsPlanned(due, message) && isDeepStrictEqual(due.campaign, campaign);
      if (isAsPlanned) own.push(withChatOf(campaign, message));
      else assignment.moved.push(message);
    }
    if (own.length > 0) assignment.bySession.set(session, own);
  }
  return assignment;
}

function withChatOf(campaign: CampaignState | undefined, message: ClaimedMessage): ClaimedMessage {
  if (!campaign) return message;
  const { chatId, missing } = campaign.chat;
  return { ...message, campaignChat: chatId, chatMissing: missing };
}

function belongsAsPlanned(due: DueMessage, message: ClaimedMessage): boolean {
  return (
    idKey(due.sessionId ?? "") === idKey(message.sessionId ?? "") &&
    idKey(due.campaignId ?? "") === idKey(message.campaignId ?? "")
  );
}
