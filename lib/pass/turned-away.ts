import type { Pass } from "./context.ts";

/** Tells of documents that the database turned away, each by itself: by a validation rule, or for their length. */
export function noteTurnedAway({ id: passId, log, tally }: Pass, count: number, collection: string): void {
  if (count === 0) return;
  tally.problem("database_refused", count);
  log.warn({ passId, count, collection }, "documents were turned away by the database");
}
