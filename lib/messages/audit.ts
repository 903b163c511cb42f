import type { Document } from "mongodb";

/*
 * Messages that no pass will ever see or touch: each filter is that of an index, too.
 */

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
