import type { Filter } from "mongodb";
import type { Database } from "../db.ts";
import { deliveryBefore, type MessageDocument } from "../documents.ts";
import type { DueGroup } from "./due.ts";
import { deliveryError, type Reason } from "./writes.ts";

/**
 * Writes on the due messages of a group why they can't be sent now, so that whoever looks sees the reason, and
 * `missed` keeps it should the window close. They stay due; one that says so already is not written again.
 */
export async function noteBlocked(
  db: Database,
  due: Filter<MessageDocument>,
  group: DueGroup,
  reason: Reason,
  now: Date,
): Promise<void> {
  const ofGroup = {
    sessionId: { $eq: group.sessionId ?? null },
    campaignId: { $eq: group.campaignId ?? null },
  };
  const error = { $literal: deliveryError(reason, now) };
  await db.messages.updateMany(
    {
      ...due,
      ...ofGroup,
      "delivery.error.message": { $ne: deliveryError(reason, now).message },
    } as Filter<MessageDocument>,
    [{ $set: { delivery: { $mergeObjects: [deliveryBefore, { state: "released", error }] } } }],
  );
}
