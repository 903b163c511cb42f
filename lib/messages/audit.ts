import type { Document } from "mongodb";
import { type Bounded, countUpTo, type Search } from "../mongo/bounded-count.ts";
import type { Database } from "../mongo/client.ts";
import type { ProblemCode } from "../problems.ts";
import { LIVE } from "./due.ts";

/** Picked, unsent, and never by this scheduler: every claim of its own writes a `delivery`. */
export const PICKED_ELSEWHERE = { isPicked: true, isSent: false, isDeleted: false, delivery: null } as const;

/** Picked, unsent, and not by this scheduler either: with `released` it always takes `isPicked` back. */
export const PICKED_SINCE_RELEASED = {
  isPicked: true,
  isSent: false,
  isDeleted: false,
  "delivery.state": "released",
} as const;

/** What apps write instead of a date: ISO texts and milliseconds. */
export const WRONG_DATE = { scheduledAt: { $type: ["string", "number"] } } as const;

/** What apps write instead of a flag. */
const NO_FLAG = ["string", "number", "date", "object", "array"];

/** Messages with something else than a boolean as a flag: no pass sees them. Served by the index of what lacks it. */
export function notBoolean(flag: string): Document {
  return { [flag]: { $type: NO_FLAG } };
}

/** Messages without a flag, or with something else in its place. */
export function withoutFlag(flag: string): Document {
  return { $or: [{ [flag]: null }, notBoolean(flag)] };
}

/** Counting stops here: past it the number says no more than "many". */
const MANY = 1000;

/** What an audit found, by code; a search stops at {@link MANY}. */
export type AuditFindings = Map<ProblemCode, Bounded>;

/** Has a flag, whatever is in it. */
const has = (flag: string): Document => ({ $ne: [{ $ifNull: [`$${flag}`, null] }, null] });

/**
 * Finds the documents that no pass will ever see or touch, in one request, each part served by an index that
 * is empty as long as all is well.
 *
 * @param leftAlone messages due before this are too old to be swept
 * @param limits `maxTimeMS`: after how long the database gives up, with an error
 */
export async function auditMessages(
  db: Database,
  leftAlone: Date,
  limits: { maxTimeMS: number },
): Promise<AuditFindings> {
  const searches: Search<ProblemCode>[] = [
    ["flags_missing", { isSent: null }],
    // What lacks two is counted once, by the first that it lacks.
    ["flags_missing", { isDeleted: null }, has("isSent")],
    ["flags_missing", { isPicked: null }, { $and: [has("isSent"), has("isDeleted")] }],
    ["date_wrong", WRONG_DATE],
    ["never_picked", { ...LIVE, scheduledAt: { $lt: leftAlone } }],
    ["picked_elsewhere", PICKED_ELSEWHERE],
    ["picked_elsewhere", PICKED_SINCE_RELEASED],
  ];
  return countUpTo(db.messages, searches, MANY, limits);
}
