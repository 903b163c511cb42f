/** No search for a page may hold the database up longer; past it the page says that the database is slow. */
export const SEARCH_LIMITS = { maxTimeMS: 5_000 } as const;

/** A count that stopped at some bound: `more` says that there are more than `count`. */
export interface Bounded {
  count: number;
  more: boolean;
}

/** What was counted up to `most + 1`, as no more than `most`. */
export function bounded(found: number, most: number): Bounded {
  return { count: Math.min(found, most), more: found > most };
}
