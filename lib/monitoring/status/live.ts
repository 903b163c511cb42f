import type { Document } from "mongodb";
import { addSeconds } from "../../clock.ts";
import { type Config, SWEPT_SECONDS } from "../../config.ts";
import { CLAIMED } from "../../messages/claims.ts";
import { dueFilter, LIVE } from "../../messages/due.ts";
import { AWAITING_LOOKUP } from "../../messages/lookups.ts";
import { CLAIMABLE_STATES } from "../../messages/message.ts";
import { type Bounded, countUpTo, type Search } from "../../mongo/bounded-count.ts";
import type { Database } from "../../mongo/client.ts";

/** Counting stops here: a higher number would tell a person no more. */
const MANY = 1000;

const NONE: Bounded = { count: 0, more: false };

/** What is on its way at this moment. */
export interface Live {
  /** In the window, and not claimed. */
  due: Bounded;
  /** The `scheduledAt` of the oldest of these. */
  oldestDue: Date | null;
  /** Past the window. The next pass ends these as `missed`, unless their campaign is on hold. */
  pastWindow: Bounded;
  claimed: Bounded;
  /** Posted, or about to be, and without a recorded answer. */
  attempting: Bounded;
  /** Ended as `unknown`, and still looked up in WAHA from time to time. */
  awaitingLookup: Bounded;
}

/** Counts what is on its way, in two requests that are served by the partial indexes of unfinished messages. */
export async function countLive(
  db: Database,
  config: Config,
  now: Date,
  limits: { maxTimeMS: number },
): Promise<Live> {
  const window = { from: addSeconds(now, -config.LOOKBACK_SECONDS), to: now };
  const due = dueFilter(window, now);
  const searches: Search<Exclude<keyof Live, "oldestDue">>[] = [
    ["due", due as Document],
    ["pastWindow", pastWindow(window.from, now)],
    ["claimed", { ...CLAIMED, "delivery.state": "claimed" }],
    ["attempting", { ...AWAITING_LOOKUP, "delivery.state": "attempting" }],
    ["awaitingLookup", { ...AWAITING_LOOKUP, "delivery.state": "unknown" }],
  ];
  const [counts, oldestDue] = await Promise.all([
    countUpTo(db.messages, searches, MANY, limits),
    findOldest(db, due, limits),
  ]);
  const count = (name: (typeof searches)[number][0]) => counts.get(name) ?? NONE;
  return {
    due: count("due"),
    oldestDue,
    pastWindow: count("pastWindow"),
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

async function findOldest(db: Database, due: Document, limits: { maxTimeMS: number }): Promise<Date | null> {
  const [oldest] = await db.messages
    .find(due, limits)
    .sort({ scheduledAt: 1 })
    .limit(1)
    .project<{ scheduledAt: Date }>({ _id: 0, scheduledAt: 1 })
    .toArray();
  return oldest?.scheduledAt ?? null;
}
