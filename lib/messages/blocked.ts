import type { Document } from "mongodb";
import type { MessageNames } from "../documents/mapping.ts";
import type { Database } from "../mongo/client.ts";
import { unchanged } from "../mongo/safe-fields.ts";
import { updateAll, updateMatching } from "../mongo/updates.ts";
import type { Reason } from "../problems.ts";
import { type DueGroup, groupKey } from "./due.ts";
import { noted } from "./transitions.ts";

/**
 * Writes on the due messages of some groups why they can't be sent now, so that a reader sees the reason
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
  const { filter, update } = noted(due, reason, now);
  const ids = groups.flatMap((group) => group.next.map((message) => message._id));
  let { changed: written } = await updateAll(db.messages, ids, filter, update);
  for (const group of groups.filter(({ count, next }) => count > next.length)) {
    written += (
      await updateMatching(db.messages, { ...filter, $and: [isOf(group, db.documents.messages)] }, update)
    ).changed;
  }
  return written;
}

/** The references as the group has them, in the same form, and what else can be said; absent and null are the same here. */
function isOf(group: DueGroup, names: MessageNames): Document {
  const byChat = group.isForPerson !== undefined;
  const key = groupKey(names, byChat);
  return {
    $expr: {
      $and: [
        unchanged(key.sessionId, group.sessionId),
        unchanged(key.campaignId, group.campaignId),
        { $eq: [key.isDeferred, group.isDeferred] },
        ...(byChat ? [{ $eq: [key.isForPerson, group.isForPerson] }] : []),
      ],
    },
  };
}
