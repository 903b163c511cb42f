import type { Config } from "../../config.ts";
import type { DueGroup } from "../../messages/due.ts";
import type { ClaimedMessage } from "../../messages/transitions.ts";
import { documentKey, type Id, idKey } from "../../mongo/ids.ts";
import type { References } from "../../sessions/routing.ts";
import type { WahaSession } from "../../waha/responses.ts";

/** A due message, and what it said of where it belongs when its session was found. */
export interface DueMessage extends References {
  _id: Id;
  scheduledAt: Date;
}

/** What is due on one session, oldest first. */
export interface SessionBacklog {
  session: WahaSession;
  count: number;
  groups: DueGroup[];
  next: DueMessage[];
}

/** What to claim, by session. */
export type ClaimPlan = Map<string, DueMessage[]>;

/** How a session that already sends in this pass stands. */
export interface WorkerStatus {
  /** It has something to send, so it holds one of the places. */
  active: boolean;
  /** Claimed and not yet sent. */
  queued: number;
  /** How many it can soon send. */
  target: number;
  /** How often it was given messages. */
  turns: number;
}

/** A session is given what it can send in so long: soon enough that a pause of its campaign still counts. */
const CLAIM_AHEAD_MS = 5_000;
const MAX_CLAIM = 200;

/** What a message is taken to cost until a session has shown what it does; a guess. */
const FIRST_GUESS_MS = 100;

/**
 * How many messages a session can soon send.
 *
 * @param msPerMessage what one has cost it so far, without the gap
 */
export function claimTarget(
  { SEND_GAP_MS, SEND_GAP_JITTER_MS }: Config,
  msPerMessage = FIRST_GUESS_MS,
): number {
  const ms = msPerMessage + SEND_GAP_MS + SEND_GAP_JITTER_MS / 2;
  return Math.min(MAX_CLAIM, Math.max(1, Math.ceil(CLAIM_AHEAD_MS / ms)));
}

/**
 * Decides how many of which session to claim: no more of one than it can soon send, and of no more sessions
 * than may send at once. Where sessions wait for a place, nobody is given more until it has given its place
 * up, so that one long queue never keeps the others out.
 *
 * @param standingOf how each session stands; also those not heard of yet
 * @param freePlaces how many more sessions may begin to send
 * @returns what to claim
 */
export function planClaims(
  offers: SessionBacklog[],
  standingOf: (session: string) => WorkerStatus,
  freePlaces: number,
): ClaimPlan {
  const all = offers.map((offer) => ({ offer, standing: standingOf(offer.session.name) }));
  const waiting = all
    .filter(({ offer, standing }) => !standing.active && offer.next.length > 0)
    .sort((a, b) => a.standing.turns - b.standing.turns || oldest(a.offer) - oldest(b.offer));
  const crowded = waiting.length > freePlaces;
  const chosen = waiting.slice(0, freePlaces);
  if (!crowded) chosen.push(...all.filter(({ standing }) => standing.active));
  const plan: ClaimPlan = new Map();
  for (const { offer, standing } of chosen) {
    const room = Math.max(0, standing.target - standing.queued);
    if (room > 0 && offer.next.length > 0) plan.set(offer.session.name, offer.next.slice(0, room));
  }
  return plan;
}

/** Tells a message that is due; one that the app moves to another time is another. */
export function dueKey({ _id, scheduledAt }: Pick<DueMessage, "_id" | "scheduledAt">): string {
  return `${documentKey(_id)} ${scheduledAt.getTime()}`;
}

/** The same offer without some messages, given by their `dueKey`. */
export function withoutMessages(offer: SessionBacklog, keys: Set<string>): SessionBacklog {
  if (keys.size === 0) return offer;
  const next = offer.next.filter((message) => !keys.has(dueKey(message)));
  return { ...offer, next, count: offer.count - (offer.next.length - next.length) };
}

function oldest(offer: SessionBacklog): number {
  return offer.next[0]?.scheduledAt.getTime() ?? 0;
}

/** The sessions of which a plan leaves something due. */
export function leftOver(offers: SessionBacklog[], plan: ClaimPlan): string[] {
  const left = offers.filter((offer) => offer.count > (plan.get(offer.session.name)?.length ?? 0));
  return left.map((offer) => offer.session.name);
}

/** Claimed messages, each with the session it was planned for; `moved` were given another in the meantime. */
export interface Assignment {
  bySession: Map<string, ClaimedMessage[]>;
  moved: ClaimedMessage[];
}

/** Hands what was claimed to the sessions for which it was planned, in the plan's order. */
export function assign(plan: ClaimPlan, claimed: ClaimedMessage[]): Assignment {
  const messages = new Map(claimed.map((message) => [documentKey(message._id), message]));
  const assignment: Assignment = { bySession: new Map(), moved: [] };
  for (const [session, planned] of plan) {
    const own: ClaimedMessage[] = [];
    for (const due of planned) {
      const message = messages.get(documentKey(due._id));
      if (message) (belongsAsPlanned(due, message) ? own : assignment.moved).push(message);
    }
    if (own.length > 0) assignment.bySession.set(session, own);
  }
  return assignment;
}

function belongsAsPlanned(due: DueMessage, message: ClaimedMessage): boolean {
  return (
    idKey(due.sessionId ?? "") === idKey(message.sessionId ?? "") &&
    idKey(due.campaignId ?? "") === idKey(message.campaignId ?? "")
  );
}
