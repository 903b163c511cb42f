import type { Document } from "mongodb";
import { OTHER_TYPES } from "../mongo/safe-fields.ts";

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

/** What apps write instead of a date: ISO texts, milliseconds, what a date's library keeps. */
export const WRONG_DATE = { scheduledAt: { $type: [...OTHER_TYPES, "array", "bool"] } };

/**
 * Messages that have no boolean as a flag, so that no pass sees them: each filter by itself, as each is served by the
 * index over all three. In a list the server compares what is in it, so that one with a flag in it is that flag.
 */
export function withoutFlag(flag: string): Document[] {
  return [{ [flag]: null }, { [flag]: { $type: [...OTHER_TYPES, "date"] } }, { [flag]: [] }];
}
