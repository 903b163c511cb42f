import type { Document } from "mongodb";
import { addSeconds } from "../../lib/clock.ts";
import type { Config } from "../../lib/config.ts";
import { LIVE } from "../../lib/messages/due.ts";
import { CLAIMABLE_STATES, referenceOf } from "../../lib/messages/message.ts";
import type { Database } from "../../lib/mongo/client.ts";
import { canBeWritten, type Id } from "../../lib/mongo/ids.ts";
import { type References, type Route, routeAll } from "../../lib/sessions/routing.ts";
import type { WahaSession } from "../../lib/waha/responses.ts";
import { LOOK_MS } from "./run-check.ts";

/** How far ahead the doctor looks, and at how many messages at the most, those due first. */
const HORIZON_SECONDS = 24 * 3600;
export const MOST_MESSAGES = 20_000;

/** Messages that name the same session and campaign, when they fall due (in order), and where they go. */
export interface UpcomingGroup extends References {
  times: Date[];
  route: Route;
}

/**
 * What is due now or within {@link HORIZON_SECONDS}, with its routes, {@link MOST_MESSAGES} at the most. Served by
 * `scheduler_due`.
 *
 * @param sessions WAHA's; without any every route is blocked or on hold
 */
export async function lookAhead(
  db: Database,
  config: Config,
  now: Date,
  sessions: Map<string, WahaSession>,
): Promise<UpcomingGroup[]> {
  const scheduledAt = {
    $gte: addSeconds(now, -config.LOOKBACK_SECONDS),
    $lte: addSeconds(now, HORIZON_SECONDS),
  };
  const names = db.documents.messages;
  const pipeline: Document[] = [
    { $match: { ...LIVE, scheduledAt, "delivery.state": { $in: [...CLAIMABLE_STATES] } } },
    { $sort: { scheduledAt: 1 } },
    { $limit: MOST_MESSAGES },
    {
      $group: {
        _id: { sessionId: referenceOf(names, "sessionId"), campaignId: referenceOf(names, "campaignId") },
        times: { $push: "$scheduledAt" },
      },
    },
  ];
  const found = await db.messages
    .aggregate<{ _id: { sessionId?: Id; campaignId?: Id }; times: Date[] }>(pipeline, { maxTimeMS: LOOK_MS })
    .toArray();
  const groups = found
    .map(({ _id, times }) => ({ ..._id, times }))
    .filter(({ sessionId, campaignId }) => canBeWritten(sessionId) && canBeWritten(campaignId));
  const routes = await routeAll(db, groups, sessions, config);
  return groups.flatMap((group, index) => {
    const route = routes[index];
    return route ? [{ ...group, route }] : [];
  });
}
