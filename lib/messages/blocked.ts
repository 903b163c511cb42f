import type { Document } from "mongodb";
import type { Database } from "../mongo/client.ts";
import { deliveryBefore, unchanged } from "../mongo/safe-fields.ts";
import { updateAll, updateMatching } from "../mongo/updates.ts";
import type { Reason } from "../problems.ts";
import type { DueGroup } from "./due.ts";
import { SAFE_FIELDS } from "./message.ts";
import { deliveryError } from "./transitions.ts";

/**
 * Writes on the due messages of some groups why they can't be sent now, so that whoever looks sees the reason,
 * and `missed` keeps it should the window close. They stay due; one that says so since it fell due is not written
 * again. However many groups there are, it is one request, and one more for each that is longer than its survey.
 *
 * @returns on how many it was written
 */
export async function noteBlocked(
  db: Database,
  due: Document,
  groups: DueGroup[],
  reason: Reason,
  now: Date,
): Promise<number> {
  const error = deliveryError(reason, now);
  const filter = { ...due, $nor: [saysSoSinceDue(error.message)] };
  const note = [
    {
      $set: {
        delivery: { $mergeObjects: [deliveryBefore, { state: "released", error: { $literal: error } }] },
      },
    },
  ];
  const ids = groups.flatMap((group) => group.next.map((message) => message._id));
  let { changed: written } = await updateAll(db.messages, ids, filter, note);
  for (const group of groups.filter(({ count, next }) => count > next.length)) {
    written += (await updateMatching(db.messages, { ...filter, $and: [namesOf(group)] }, note)).changed;
  }
  return written;
}

/** What it was told when it was due before, and is due again since, is no reason of now. */
function saysSoSinceDue(message: string): Document {
  return {
    "delivery.state": "released",
    "delivery.error.message": message,
    $expr: { $gte: ["$delivery.error.at", "$scheduledAt"] },
  };
}

/** The references as the group has them, in the same form; absent and null are the same here. */
function namesOf({ sessionId, campaignId }: DueGroup): Document {
  return {
    $expr: {
      $and: [unchanged(SAFE_FIELDS.sessionId, sessionId), unchanged(SAFE_FIELDS.campaignId, campaignId)],
    },
  };
}
