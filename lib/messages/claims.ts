import type { Document } from "mongodb";
import type { Database } from "../mongo/client.ts";
import type { Id } from "../mongo/ids.ts";
import { type Updated, updateAll, updateMatching } from "../mongo/updates.ts";
import type { Reason } from "../problems.ts";
import { dueFilter, type Window } from "./due.ts";
import { SAFE_FIELDS } from "./message.ts";
import { type ClaimedMessage, claimed, ranOut, releasedClaims, rescued } from "./transitions.ts";

/** Only a claimed message has an expiry, so this index holds nothing else. */
export const CLAIMED = { "delivery.claimExpiresAt": { $exists: true } } as const;

/** A pass's mark on what it claims. */
export interface Claim {
  passId: string;
  /** What was settled since then is not claimed. */
  settledBefore: Date;
  now: Date;
  expiresAt: Date;
}

/** What sending needs; an app may keep anything else on a message, of any size. */
const NEEDED = {
  "delivery.passId": 1,
  "delivery.claimedAt": 1,
  "delivery.claimExpiresAt": 1,
  scheduledAt: 1,
  ...SAFE_FIELDS,
};

/** What a claim came to. */
export interface Claimed {
  /** What is ours, in any order. */
  ours: ClaimedMessage[];
  /** How many messages the database turned away. */
  rejected: number;
  /** The reply came: there are no claims but these. */
  isCertain: boolean;
}

/**
 * Takes those of `ids` that are still due, in one guarded write, and reads back which are ours. A lost reply
 * costs nothing: the read-back decides, and a claim that it misses is given back at the end of the pass or
 * rescued by a later one, since no intent exists.
 */
export async function claim(db: Database, ids: Id[], window: Window, mark: Claim): Promise<Claimed> {
  const { passId, settledBefore, now, expiresAt } = mark;
  let lost: unknown;
  const { filter, update } = claimed(dueFilter(window, settledBefore), passId, now, expiresAt);
  const updated = await updateAll(db.messages, ids, filter, update).catch((error: unknown) => {
    lost = error;
    return undefined;
  });
  const ours = await db.messages
    .find({
      _id: { $in: ids },
      "delivery.passId": passId,
      "delivery.claimedAt": now,
      "delivery.state": "claimed",
    })
    .project<ClaimedMessage>(NEEDED)
    .toArray();
  if (lost && ours.length === 0) throw lost;
  return { ours, rejected: updated?.rejected ?? 0, isCertain: updated !== undefined };
}

/** Gives back those of `ids` that this pass only claimed. */
export function releaseClaims(
  db: Database,
  ids: Id[],
  passId: string,
  at: Date,
  reason: Reason,
): Promise<Updated> {
  const { filter, update, mark } = releasedClaims(passId, at, reason);
  return updateAll(db.messages, ids, filter, update, mark);
}

/**
 * Gives back whatever this pass still only claims, known to it or not (the reply to a claim can be lost). Served by
 * the index `scheduler_claimed`.
 */
export function releaseEveryClaim(db: Database, passId: string, at: Date, reason: Reason): Promise<Updated> {
  const { filter, update, mark } = releasedClaims(passId, at, reason);
  return updateMatching(db.messages, { ...CLAIMED, ...filter }, update, mark);
}

/** Gives back those of `ids` whose claims of this pass have expired before their turn: they may be claimed again at once. */
export function releaseExpired(db: Database, ids: Id[], passId: string, at: Date): Promise<Updated> {
  const { filter, update, mark } = ranOut(passId, at);
  return updateAll(db.messages, ids, filter, update, mark);
}

/**
 * Gives back what a pass claimed and did not live to send. No intent exists for these, so nothing was posted
 * and they may be claimed again at once. A claim that moves on in the meantime no longer matches.
 *
 * @returns how many were given back, and how many the database does not let go
 */
export function rescueExpiredClaims(db: Database, now: Date): Promise<Updated> {
  const { filter, update, mark } = rescued(now);
  return updateMatching(db.messages, filter, update, mark);
}

/** More than a person follows one by one. */
const FOLLOWED = 1000;

/** The messages that were given back at this moment, for a log that follows each by its id. */
export async function findRescued(db: Database, at: Date): Promise<Id[]> {
  const found = await db.messages
    .find(rescued(at).mark as Document)
    .limit(FOLLOWED)
    .project<{ _id: Id }>({ _id: 1 })
    .toArray();
  return found.map(({ _id }) => _id);
}
