import type { Document } from "mongodb";
import type { Database } from "../db.ts";
import type { Id } from "../documents.ts";
import { PROBLEMS } from "../problems.ts";
import { type Updated, updateMatching } from "../update-all.ts";
import { liveWithinADay } from "./due.ts";

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
      "delivery.error": { code: "pass_died", message: PROBLEMS.pass_died, at: now },
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
