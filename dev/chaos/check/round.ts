import type { LedgerEntry } from "../../waha-simulator/ledger.ts";
import type { ChaosMessage, History, Post, RoundRecord, StateWrite } from "../record.ts";
import { chatsSeen, fullChatId } from "./chats.ts";
import { deliveryOf, type Step, stateOf, stepsOf, TIES_MS } from "./steps.ts";

export type MessageStep = Step<ChaosMessage>;

/** All that a record tells of one message, each list oldest first. */
export interface Trail {
  key: string;
  label: string;
  history: History<ChaosMessage>;
  steps: MessageStep[];
  posts: Post[];
  entries: LedgerEntry[];
  writes: StateWrite[];
  /** The intents that took effect. */
  intents: MessageStep[];
  /** By POST, the intent that it belongs to: the last one of its own pass before it that no earlier POST had. */
  intentOf: Map<Post, MessageStep>;
}

/** A record, sorted by message, as the checks need it. */
export interface Round {
  record: RoundRecord;
  trails: Trail[];
  /** What can't be any message's: nothing in the database ever had its chat. */
  foreignPosts: Post[];
  foreignEntries: LedgerEntry[];
}

/** Sorts a record by message. */
export function readRound(record: RoundRecord): Round {
  const trails = [...record.messages].map(([key, history]) => startTrail(key, history));
  const find = finder(trails, record);
  const round: Round = { record, trails, foreignPosts: [], foreignEntries: [] };
  for (const post of record.posts.toSorted((a, b) => a.at - b.at)) {
    (find(post)?.posts ?? round.foreignPosts).push(post);
  }
  for (const entry of record.ledger) (find(entry)?.entries ?? round.foreignEntries).push(entry);
  const byKey = new Map(trails.map((trail) => [trail.key, trail]));
  for (const write of record.writes.toSorted((a, b) => a.sentAt - b.sentAt)) {
    byKey.get(write.message)?.writes.push(write);
  }
  for (const trail of trails) matchIntents(trail);
  return round;
}

function startTrail(key: string, history: History<ChaosMessage>): Trail {
  const steps = stepsOf(history);
  return {
    key,
    label: history.find(({ document }) => document)?.document?.label ?? key,
    history,
    steps,
    posts: [],
    entries: [],
    writes: [],
    intents: steps.filter(isIntent),
    intentOf: new Map(),
  };
}

/** Whether a write was an intent to send that took effect. */
function isIntent({ by, before, after }: MessageStep): boolean {
  return by === "scheduler" && stateOf(before) === "claimed" && stateOf(after) === "attempting";
}

/** Whether a write gave an expired claim back, for whichever pass. */
export function isRescue({ by, before, after }: MessageStep): boolean {
  const isGivenBack = stateOf(before) === "claimed" && stateOf(after) === "released";
  return by === "scheduler" && isGivenBack && deliveryOf(after).error?.code === "pass_died";
}

/** Whether a write claimed a message. */
export function isClaim({ by, before, after }: MessageStep): boolean {
  return by === "scheduler" && stateOf(before) !== "claimed" && stateOf(after) === "claimed";
}

/** Tells whose a POST is: by its chat, and where several messages had that chat, by its text. */
function finder(
  trails: Trail[],
  record: RoundRecord,
): (posted: { chatId: string; text: string }) => Trail | undefined {
  const byChat = new Map<unknown, Set<Trail>>();
  for (const trail of trails) {
    for (const chatId of chatsEver(trail, record))
      byChat.set(chatId, (byChat.get(chatId) ?? new Set()).add(trail));
  }
  return ({ chatId, text }) => {
    const candidates = [...(byChat.get(fullChatId(chatId)) ?? [])];
    if (candidates.length <= 1) return candidates[0];
    const had = ({ history }: Trail) => history.some(({ document }) => document?.content === text);
    return candidates.find(had) ?? candidates[0];
  };
}

function chatsEver({ history }: Trail, record: RoundRecord): Set<unknown> {
  const versions = history.flatMap(({ document }) => document ?? []);
  // Of versions that name the same chat, or the same campaign, one will do.
  const distinct = new Map(versions.map((message) => [`${message.chatId} ${message.campaignId}`, message]));
  return new Set(
    [...distinct.values()].flatMap((message) => [
      ...chatsSeen(message, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, record),
    ]),
  );
}

function matchIntents({ posts, intents, intentOf }: Trail): void {
  const left = new Set(intents);
  for (const post of posts) {
    const own = [...left].findLast(
      ({ at, after }) => at <= post.at + TIES_MS && post.passIds.includes(deliveryOf(after).passId),
    );
    if (!own) continue;
    left.delete(own);
    intentOf.set(post, own);
  }
}

/**
 * Whether a person asked to send a message again between two moments: it was `failed` or `missed` and not picked.
 * The scheduler never writes that, which the life cycle is held against.
 */
export function askedAgain({ history }: Trail, from: number, to: number): boolean {
  return history.some(
    ({ at, document }) =>
      at >= from &&
      at <= to + TIES_MS &&
      document?.isPicked === false &&
      ["failed", "missed"].includes(stateOf(document)),
  );
}

/** The last moment that a record knows of. */
export function endOf({ messages, campaigns, leases, posts, writes }: RoundRecord): number {
  const histories = [...messages.values(), ...campaigns.values(), ...leases.values()];
  const moments = [
    ...histories.map((history) => history.at(-1)?.at ?? 0),
    ...posts.map(({ at }) => at),
    ...writes.map(({ sentAt, repliedAt }) => repliedAt ?? sentAt),
  ];
  return moments.reduce((latest, moment) => Math.max(latest, moment), 0);
}
