import type { AnyBulkWriteOperation, Document, FindOneOptions } from "mongodb";
import { addSeconds } from "../clock.ts";
import { type Config, quietSeconds, RECENT_PASS_SECONDS } from "../config.ts";
import type { Database, Stored } from "../mongo/client.ts";
import { addToAlerts, mayHaveNews } from "./alerts/store.ts";
import type { Histogram } from "./history/lateness.ts";
import { addPass } from "./history/minutes.ts";
import type { Summary } from "./report.ts";

/** The last pass that ended, for whoever asks whether passes run. */
export interface LastPass {
  _id: "last-pass";
  passId: string;
  startedAt: Date;
  endedAt: Date;
  summary: Summary;
  /** The last time that passes stayed away, from the end of the one before to the start of the one after, `passId`. */
  gap?: { from: Date; to: Date; passId: string };
}

export async function readLastPass(db: Database, limits: FindOneOptions = {}): Promise<LastPass | null> {
  return db.scheduler.findOne<LastPass>({ _id: "last-pass" }, limits);
}

/** Whether passes run, by the last one that ended. */
export function isRecent({ endedAt }: Pick<LastPass, "endedAt">, now: Date, config: Config): boolean {
  return endedAt >= addSeconds(now, -quietSeconds(config));
}

/**
 * Records a pass that ends, as the last one and in the history, in one request. Overlapping passes overwrite each
 * other here: whichever ended last stands.
 *
 * @param look when the pass looked around WAHA, and the sessions that worked, by name; undefined if WAHA did not say
 * @returns whether the alerts need a look: some stand, other sessions work than before, or passes had stayed away
 */
export async function recordPass(
  db: Database,
  pass: Omit<LastPass, "_id" | "gap">,
  lateness: Histogram,
  look: { seenAt: Date; working: string[] | undefined },
): Promise<boolean> {
  const writes = [
    { updateOne: { filter: { _id: "last-pass" }, update: [{ $set: lastPass(pass) }], upsert: true } },
    addPass(pass.endedAt, pass.summary, lateness),
    addToAlerts(look.seenAt, pass.summary),
    // These two tell by whether they match, which takes no request more; neither changes anything.
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

/** Those that match or insert whatever the pass came to. */
const CERTAIN_WRITES = 3;

/** The new last pass; it notes whether the one before is so long ago that passes had stayed away. */
function lastPass({ passId, startedAt, endedAt, summary }: Omit<LastPass, "_id" | "gap">): Document {
  const before = { $ifNull: ["$endedAt", startedAt] };
  const tooLong = { $lt: [before, addSeconds(startedAt, -RECENT_PASS_SECONDS)] };
  return {
    passId,
    startedAt,
    endedAt,
    summary: { $literal: summary },
    gap: { $cond: [tooLong, { from: before, to: startedAt, passId }, "$gap"] },
  };
}
