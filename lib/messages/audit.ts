import type { Database } from "../db.ts";
import type { ProblemCode } from "../problems.ts";
import { countUpTo, type Search } from "./count-up-to.ts";
import { LIVE } from "./due.ts";

/** Picked, unsent, and never by this scheduler: every claim of its own writes a `delivery`. */
export const PICKED_ELSEWHERE = { isPicked: true, isSent: false, isDeleted: false, delivery: null } as const;

/** What apps write instead of a date: ISO texts and milliseconds. */
export const WRONG_DATE = { scheduledAt: { $type: ["string", "number"] } } as const;

/** Counting stops here: past it the number says no more than "many". */
export const MANY = 1000;

/** What an audit found, by code; counts of up to {@link MANY} each. */
export type AuditFindings = Map<ProblemCode, number>;

/**
 * Finds the documents that no pass will ever see or touch, in one request, each part served by an index that
 * is empty as long as all is well.
 *
 * @param leftAlone messages due before this are too old to be swept
 * @param limits `maxTimeMS`: the database gives up after so long, with an error; a pass needs none
 */
export async function auditMessages(
  db: Database,
  leftAlone: Date,
  limits: { maxTimeMS?: number } = {},
): Promise<AuditFindings> {
  const searches: Search<ProblemCode>[] = [
    ["flags_missing", { isSent: null }],
    ["flags_missing", { isDeleted: null, isSent: { $ne: null } }],
    ["flags_missing", { isPicked: null, isSent: { $ne: null }, isDeleted: { $ne: null } }],
    ["date_wrong", WRONG_DATE],
    ["never_picked", { ...LIVE, scheduledAt: { $lt: leftAlone } }],
    ["picked_elsewhere", PICKED_ELSEWHERE],
  ];
  return countUpTo(db.messages, searches, MANY, limits);
}
