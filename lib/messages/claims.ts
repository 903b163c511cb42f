import type { Document } from "mongodb";
import type { Database } from "../mongo/client.ts";
import type { Id } from "../mongo/ids.ts";
import { type Updated, updateAll, updateMatching } from "../mongo/updates.ts";
import { messageOf, type Reason } from "../problems.ts";
import { dueFilter, liveWithinADay, type Window } from "./due.ts";
import { SAFE_FIELDS } from "./message.ts";
import { type ClaimedMessage, releaseUpdate } from "./transitions.ts";

/** A pass's mark on what it claims. */
export interface Claim {
  passId: string;
  passStartedAt: Date;
  now: Date;
  expiresAt: Date;
}

/** What sending needs; an app may keep anything else on a message, of any size. */
const NEEDED = {
  "delivery.passId": 1,
  "delivery.claimedAt": 1,
  scheduledAt: 1,
  ...SAFE_FIELDS,
};

/** What a claim came to: what is ours, in any order, and how many messages the database turned away. */
export interface Claimed {
  ours: ClaimedMessage[];
  refused: number;
}

/**
 * Takes those of `ids` that are still due, in one guarded write, and reads back which are ours. A lost reply
 * costs nothing: the read-back decides, and a claim that it misses is given back at the end of the pass or
 * rescued by a later one, since no intent exists.
 */
export async function claim(db: Database, ids: Id[], window: Window, mark: Claim): Promise<Claimed> {
  const { passId, now, expiresAt } = mark;
  let lost: unknown;
  const claimed = { isPicked: true, delivery: claimedDelivery(passId, now, expiresAt) };
  const due = dueFilter(window, mark.passStartedAt);
  const update = await updateAll(db.messages, ids, due, [{ $set: claimed }]).catch((error: unknown) => {
    lost = error;
  });
  const ours = await db.messages
    .find({ _id: { $in: ids }, "delivery.passId": passId, "delivery.state": "claimed" })
    .project<ClaimedMessage>(NEEDED)
    .toArray();
  if (lost && ours.length === 0) throw lost;
  return { ours, refused: update?.refused ?? 0 };
}

/**
 * A new `delivery`, whatever was there before (nothing, null, or something that is not even a document): only
 * the count of attempts lives on. `$mergeObjects` replaces where a plain object would be merged in.
 */
function claimedDelivery(passId: string, claimedAt: Date, claimExpiresAt: Date) {
  const attempts = { $cond: [{ $isNumber: "$delivery.attempts" }, "$delivery.attempts", 0] };
  return {
    $mergeObjects: [{ $literal: { state: "claimed", passId, claimedAt, claimExpiresAt } }, { attempts }],
  };
}

/** Gives back those of `ids` that this pass only claimed. */
export function releaseClaims(
  db: Database,
  ids: Id[],
  passId: string,
  at: Date,
  reason: Reason,
): Promise<Updated> {
  const ours = { "delivery.passId": passId, "delivery.state": "claimed" };
  return updateAll(db.messages, ids, ours, releaseUpdate(at, reason), releasedAt(passId, at));
}

/**
 * Gives back whatever this pass still only claims, known to it or not (the reply to a claim can be lost). Served by
 * the index `scheduler_claimed`.
 */
export function releaseEveryClaim(
  db: Database,
  passId: string,
  claimExpiresAt: Date,
  at: Date,
  reason: Reason,
): Promise<Updated> {
  const ours = {
    "delivery.claimExpiresAt": claimExpiresAt,
    "delivery.passId": passId,
    "delivery.state": "claimed",
  };
  // All of these, but for what the app has moved or deleted since its claim.
  const mark = { ...liveWithinADay(at), ...releasedAt(passId, at) };
  return updateMatching(db.messages, ours, releaseUpdate(at, reason), mark);
}

/** What a pass gave back at a moment. */
function releasedAt(passId: string, at: Date): Document {
  return { "delivery.passId": passId, "delivery.state": "released", "delivery.settledAt": at };
}

/** Only a claimed message has an expiry, so this index holds nothing else. */
export const CLAIMED = { "delivery.claimExpiresAt": { $exists: true } } as const;

/**
 * Gives back what a pass claimed and did not live to send. No intent exists for these, so nothing was posted
 * and they may be claimed again at once. A claim that moves on in the meantime no longer matches.
 *
 * @returns how many were given back, and how many the database does not let go
 */
export function rescueExpiredClaims(db: Database, now: Date): Promise<Updated> {
  const expired = {
    "delivery.claimExpiresAt": { $lte: now },
    "delivery.state": "claimed",
    // A list of such would match, too, and no field of a list can be set.
    $expr: { $eq: [{ $type: "$delivery" }, "object"] },
  };
  const givenBack = {
    $set: {
      isPicked: false,
      "delivery.state": "released",
      "delivery.error": { code: "pass_died", message: messageOf("pass_died"), at: now },
    },
    $unset: { "delivery.claimExpiresAt": "" },
  };
  return updateMatching(db.messages, expired, givenBack, rescuedAt(now));
}

/** What was given back at this moment, but for what the app has moved or deleted since its claim. */
function rescuedAt(at: Date): Document {
  return { ...liveWithinADay(at), "delivery.error.code": "pass_died", "delivery.error.at": at };
}

/** More than anybody follows one by one. */
const FOLLOWED = 1000;

/** The messages that were given back at this moment, for who follows each by its id. */
export async function findRescued(db: Database, at: Date): Promise<Id[]> {
  const found = await db.messages
    .find(rescuedAt(at) as never)
    .limit(FOLLOWED)
    .project<{ _id: Id }>({ _id: 1 })
    .toArray();
  return found.map(({ _id }) => _id);
}
