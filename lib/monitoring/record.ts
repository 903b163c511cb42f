import type { AnyBulkWriteOperation, Document, FindOneOptions } from "mongodb";
import { addSeconds, FORESEEN_SECONDS } from "../clock.ts";
import { type Config, quietSeconds, RECENT_PASS_SECONDS } from "../config.ts";
import type { Database, Stored } from "../mongo/client.ts";
import { addToAlerts, mayHaveNews } from "./alerts/store.ts";
import type { Histogram } from "./history/lateness.ts";
import { addPass } from "./history/minutes.ts";
import type { Summary } from "./report.ts";

/** The last pass that ended. It tells whether passes run. */
export interface LastPass {
  _id: "last-pass";
  passId: string;
  startedAt: Date;
  endedAt: Date;
  summary: Summary;
  /** When the first pass began; absent where an earlier version recorded that one. */
  firstAt?: Date;
  /** The last time that passes stayed away, from the end of the one before to the start of the one after, `passId`. */
  gap?: { from: Date; to: Date; passId: string };
}

export async function readLastPass(db: Database, limits: FindOneOptions = {}): Promise<LastPass | null> {
  return db.scheduler.findOne<LastPass>({ _id: "last-pass" }, limits);
}

/** Whether the last pass ended so recently that passes run. */
export function isRecent({ endedAt }: Pick<LastPass, "endedAt">, now: Date, config: Config): boolean {
  const isPossible = endedAt <= addSeconds(now, FORESEEN_SECONDS);
  return isPossible && endedAt >= addSeconds(now, -quietSeconds(config));
}

/**
 * Records a pass that ends, in one request: as the last one, in the history, and in what is remembered of alerts.
 * Of passes that overlap the one that ended last stays the last one.
 *
 * @param look when the pass looked at WAHA, and the names of the sessions that worked; undefined if WAHA did not list them
 * @returns whether the alerts are to be evaluated: some are remembered, messages are unannounced, other sessions
 *   work than before, or passes had stayed away
 */
export async function recordPass(
  db: Database,
  pass: Omit<LastPass, "_id" | "gap" | "firstAt">,
  lateness: Histogram,
  look: { seenAt: Date; working: string[] | undefined },
): Promise<boolean> {
  const writes = [
    { updateOne: { filter: { _id: "last-pass" }, update: [{ $set: lastPass(pass) }], upsert: true } },
    addPass(pass.endedAt, pass.summary, lateness),
    addToAlerts(look.seenAt, pass.summary),
    // The last two change nothing. Whether they match tells if there is news, without another request.
    { updateOne: { filter: mayHaveNews(look.working), update: { $max: { seenAt: look.seenAt } } } },
    {
      updateOne: {
        filter: { _id: "last-pass", "gap.passId": pass.passId },
        update: { $set: { "gap.passId": pass.passId } },
      },
    },
  ] as unknown as AnyBulkWriteOperation<Stored>[];
  const { matchedCount, upsertedCount } = await db.scheduler.bulkWrite(writes);
  return matchedCount + upsertedCount > CERTAIN_WRITES;
}

/** How many of the writes match or insert in any case. */
const CERTAIN_WRITES = 3;

/** The new last pass, with the gap before it if passes had stayed away. */
function lastPass({
  passId,
  startedAt,
  endedAt,
  summary,
}: Omit<LastPass, "_id" | "gap" | "firstAt">): Document {
  const before = { $ifNull: ["$endedAt", startedAt] };
  const tooLong = { $lt: [before, addSeconds(startedAt, -RECENT_PASS_SECONDS)] };
  return {
    passId,
    startedAt,
    endedAt,
    summary: { $literal: summary },
    firstAt: { $cond: [{ $eq: [{ $type: "$endedAt" }, "missing"] }, startedAt, "$firstAt"] },
    gap: { $cond: [tooLong, { from: before, to: startedAt, passId }, "$gap"] },
  };
}
