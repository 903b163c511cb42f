import type { Database } from "../db.ts";
import type { Summary } from "./tally.ts";

/** The last pass that ended, for whoever asks whether passes run. */
export interface LastPass {
  _id: "last-pass";
  passId: string;
  startedAt: Date;
  endedAt: Date;
  summary: Summary;
}

export async function readLastPass(db: Database): Promise<LastPass | null> {
  return db.passes.findOne({ _id: "last-pass" });
}

/** Overlapping passes overwrite each other here: whichever ended last stands. */
export async function recordLastPass(db: Database, pass: Omit<LastPass, "_id">): Promise<void> {
  await db.passes.updateOne({ _id: "last-pass" }, { $set: pass }, { upsert: true });
}
