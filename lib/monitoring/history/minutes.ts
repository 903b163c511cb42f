import type { AnyBulkWriteOperation, Document } from "mongodb";
import type { ProblemCode } from "../../problems.ts";
import type { Summary } from "../report.ts";
import type { Histogram } from "./lateness.ts";

/** The ends of messages that the history counts. */
export const OUTCOMES = ["sent", "failed", "missed", "unknown"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * What the passes that ended within one minute counted. There is one document for each minute of the day, and the
 * next day's takes its place, so a day is remembered and the collection does not grow.
 */
export interface Minute extends Record<Outcome, number> {
  _id: string;
  /** The beginning of the minute. */
  at: Date;
  passes: number;
  lateness?: Histogram;
  /** How late the latest was, in milliseconds; null where nothing was sent. */
  latestMs?: number | null;
  /** How many of these passes had a problem, and how often the last of them met it. */
  problems?: Partial<Record<ProblemCode, { passes: number; count: number }>>;
}

const MINUTE_MS = 60_000;
const MINUTES_A_DAY = 1440;

/** All ids of minutes lie in this range, so one search by `_id` finds them. */
export const MINUTE_IDS = { $gte: "minute:", $lt: "minute;" } as const;

/** The beginning of the minute that a moment lies in. */
export function minuteOf(moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / MINUTE_MS) * MINUTE_MS);
}

/** The id of a minute: its place in the UTC day. */
export function minuteId(minute: Date): string {
  const place = Math.floor(minute.getTime() / MINUTE_MS) % MINUTES_A_DAY;
  return `minute:${String(place).padStart(4, "0")}`;
}

/** The write that adds a pass to the history. It replaces what yesterday's passes counted in the same minute. */
export function addPass(endedAt: Date, summary: Summary, lateness: Histogram): AnyBulkWriteOperation<Minute> {
  const at = minuteOf(endedAt);
  const fields: Document = { passes: plus("passes", 1) };
  for (const outcome of OUTCOMES) fields[outcome] = plus(outcome, summary[outcome]);
  for (const [bucket, count] of Object.entries(lateness))
    fields[`lateness.${bucket}`] = plus(`lateness.${bucket}`, count ?? 0);
  fields.latestMs = { $max: ["$latestMs", summary.latenessMs.max] };
  for (const { code, count } of summary.errors) {
    fields[`problems.${code}.passes`] = plus(`problems.${code}.passes`, 1);
    fields[`problems.${code}.count`] = count;
  }
  const ofToday = { $cond: [{ $eq: ["$at", at] }, "$$ROOT", { _id: "$_id", at }] };
  return {
    updateOne: {
      filter: { _id: minuteId(at) },
      update: [{ $replaceWith: ofToday }, { $set: fields }],
      upsert: true,
    },
  };
}

const plus = (field: string, count: number): Document => ({ $add: [{ $ifNull: [`$${field}`, 0] }, count] });
