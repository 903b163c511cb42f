import type { Document } from "mongodb";
import { earliest } from "../clock.ts";
import { referenceOf } from "../messages/message.ts";
import type { Bounded } from "../mongo/bounded-count.ts";
import type { Database } from "../mongo/client.ts";
import { canBeWritten, type Id } from "../mongo/ids.ts";
import { date } from "../mongo/safe-fields.ts";
import { withoutHeld } from "../sessions/routing.ts";

/** What a search found, up to its bound: the app itself has stopped what is of a campaign on hold. */
export interface NotHeld extends Bounded {
  /** How many of what was found are of a campaign on hold; they are not in `count`. */
  onHold: number;
  /** The first `scheduledAt` of what is counted. */
  oldest: Date | null;
}

/**
 * Counts the messages that a filter finds, those of campaigns on hold apart: the oldest `most` of them, in the order of
 * `scheduler_due`, which must serve the filter.
 */
export async function countNotHeld(
  db: Database,
  filter: Document,
  most: number,
  limits: { maxTimeMS: number },
): Promise<NotHeld> {
  const groups = await db.messages
    .aggregate<{ campaignId: Id | null; count: number; oldest: Date | null }>(
      [
        { $match: filter },
        { $sort: { scheduledAt: 1 } },
        { $limit: most + 1 },
        {
          $group: {
            _id: referenceOf(db.documents.messages, "campaignId"),
            count: { $sum: 1 },
            // A filter also finds lists of dates.
            oldest: { $min: date("scheduledAt") },
          },
        },
        { $project: { _id: 0, campaignId: "$_id", count: 1, oldest: 1 } },
      ],
      limits,
    )
    .toArray();
  const { writable = [], other = [] } = Object.groupBy(groups, ({ campaignId }) =>
    canBeWritten(campaignId) ? "writable" : "other",
  );
  const notHeld = [...(await withoutHeld(db, writable)), ...other];
  const found = total(groups);
  const count = total(notHeld);
  const oldest = notHeld.flatMap((group) => group.oldest ?? []);
  return {
    count: Math.min(most, count),
    more: found > most,
    onHold: found - count,
    oldest: oldest.length > 0 ? earliest(...oldest) : null,
  };
}

function total(groups: { count: number }[]): number {
  return groups.reduce((sum, { count }) => sum + count, 0);
}
