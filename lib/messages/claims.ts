import type { Database } from "../mongo/client.ts";
import type { Id } from "../mongo/ids.ts";
import { type Updated, updateAll, updateMatching } from "../mongo/updates.ts";
import type { Reason } from "../problems.ts";
import { dueFilter, type Window } from "./due.ts";
import { IS_DEFERRED, projectionOf } from "./message.ts";
import { type ClaimedMessage, claimed, rescued, returnedClaims } from "./transitions.ts";

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

/** What sending needs, beside the fields of the app; an app may keep anything else on a message, of any size. */
const NEEDED = {
  "delivery.passId": 1,
  "delivery.claimedAt": 1,
  "delivery.claimExpiresAt": 1,
  scheduledAt: 1,
  isDeferred: IS_DEFERRED,
};

/** Takes those of `ids` that are still due, in one guarded write. Which are ours is read afterwards. */
export function claim(db: Database, ids: Id[], window: Window, mark: Claim): Promise<Updated> {
  const { passId, settledBefore, now, expiresAt } = mark;
  const { filter, update } = claimed(
    db.documents.messages,
    dueFilter(window, settledBefore),
    passId,
    now,
    expiresAt,
  );
  return updateAll(db.messages, ids, filter, update);
}

/**
 * Reads which of `ids` a claim has taken, in any order. This decides what is ours, also where the claim's reply was lost.
 * A claim that it misses is given back before the next look, or rescued by another pass: no intent exists.
 */
export async function readClaimed(
  db: Database,
  ids: Id[],
  { passId, now }: Pick<Claim, "passId" | "now">,
): Promise<ClaimedMessage[]> {
  return db.messages
    .find({
      _id: { $in: ids },
      "delivery.passId": passId,
      "delivery.claimedAt": now,
      "delivery.state": "claimed",
    })
    .project<ClaimedMessage>({ ...NEEDED, ...projectionOf(db.documents.messages) })
    .toArray();
}

/**
 * Gives back those of `ids` that this pass only claimed.
 *
 * @param claimedAt only those of this claim, where the pass may have claimed some again since
 */
export function returnClaims(
  db: Database,
  ids: Id[],
  passId: string,
  at: Date,
  reason: Reason,
  claimedAt?: Date,
): Promise<Updated> {
  const { filter, update, mark } = returnedClaims(passId, at, reason);
  const ofClaim = claimedAt ? { "delivery.claimedAt": claimedAt } : {};
  return updateAll(db.messages, ids, { ...filter, ...ofClaim }, update, mark);
}

/**
 * Gives back what another pass claimed and did not live to send. No intent exists for these, so nothing was posted
 * and they may be claimed again at once. A claim that moves on in the meantime no longer matches.
 *
 * @param expiredBy claims that ended by then
 * @returns how many were given back, and how many the database does not let go
 */
export function rescueExpiredClaims(
  db: Database,
  passId: string,
  expiredBy: Date,
  now: Date,
): Promise<Updated> {
  const { filter, update, mark } = rescued(passId, expiredBy, now);
  return updateMatching(db.messages, filter, update, mark);
}

/** More than a person follows one by one. */
const FOLLOWED = 1000;

/** The messages that a rescue would give back now, for a log that follows each by its id. */
export async function findExpiredClaims(db: Database, passId: string, expiredBy: Date): Promise<Id[]> {
  const found = await db.messages
    .find(rescued(passId, expiredBy, expiredBy).filter)
    .limit(FOLLOWED)
    .project<{ _id: Id }>({ _id: 1 })
    .toArray();
  return found.map(({ _id }) => _id);
}
