import type { Database } from "../db.ts";
import { type Id, READ } from "../documents.ts";
import { updateAll } from "../update-all.ts";
import { dueFilter, type Window } from "./due.ts";
import type { ClaimedMessage } from "./writes.ts";

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
  ...READ,
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
