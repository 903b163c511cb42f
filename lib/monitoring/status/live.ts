import type { Document } from "mongodb";
import { addSeconds } from "../../clock.ts";
import { type Config, SWEPT_SECONDS } from "../../config.ts";
import { CLAIMED } from "../../messages/claims.ts";
import { dueFilter, LIVE } from "../../messages/due.ts";
import { AWAITING_LOOKUP } from "../../messages/lookups.ts";
import { CLAIMABLE_STATES } from "../../messages/message.ts";
import { type Bounded, countUpTo, type Search } from "../../mongo/bounded-count.ts";
import type { Database } from "../../mongo/client.ts";
import { countNotHeld, type NotHeld } from "../on-hold.ts";

/** Counting stops here: a higher number would tell a person no more. */
const MANY = 1000;

const NONE: Bounded = { count: 0, more: false };

/** What is on its way at this moment. */
export interface Live {
  /** In the window, not claimed, and of no campaign on hold. */
  due: Bounded;
  /** The `scheduledAt` of the oldest of these. */
  oldestDue: Date | null;
  /** Past the window, and of no campaign on hold. The next pass ends these as `missed`. */
  pastWindow: Bounded;
  /** In the window or past it, and of a campaign on hold. */
  onHold: Bounded;
  claimed: Bounded;
  /** Posted, or about to be, and without a recorded answer. */
  attempting: Bounded;
  /** Ended as `unknown`, and still looked up in WAHA from time to time. */
  awaitingLookup: Bounded;
}

/** Counts what is on its way, in a few requests that are served by the partial indexes of unfinished messages. */
export async function countLive(
  db: Database,
  config: Config,
  now: Date,
  limits: { maxTimeMS: number },
): Promise<Live> {
  const window = { from: addSeconds(now, -config.LOOKBACK_SECONDS), to: now };
  const searches: Search<"claimed" | "attempting" | "awaitingLookup">[] = [
    ["claimed", { ...CLAIMED, "delivery.state": "claimed" }],
    ["attempting", { ...AWAITING_LOOKUP, "delivery.state": "attempting" }],
    ["awaitingLookup", { ...AWAITING_LOOKUP, "delivery.state": "unknown" }],
  ];
  const [counts, due, overdue] = await Promise.all([
    countUpTo(db.messages, searches, MANY, limits),
    countNotHeld(db, dueFilter(window, now), MANY, limits),
    countNotHeld(db, pastWindow(window.from, now), MANY, limits),
  ]);
  const count = (name: (typeof searches)[number][0]) => counts.get(name) ?? NONE;
  return {
    due: bounded(due),
    oldestDue: due.oldest,
    pastWindow: bounded(overdue),
    onHold: { count: due.onHold + overdue.onHold, more: due.more || overdue.more },
    claimed: count("claimed"),
    attempting: count("attempting"),
    awaitingLookup: count("awaitingLookup"),
  };
}

function pastWindow(windowFrom: Date, now: Date): Document {
  return {
    ...LIVE,
    scheduledAt: { $gte: addSeconds(now, -SWEPT_SECONDS), $lt: windowFrom },
    "delivery.state": { $in: [...CLAIMABLE_STATES] },
  };
}

function bounded({ count, more }: NotHeld): Bounded {
  return { count, more };
}
