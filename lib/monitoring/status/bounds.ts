/** No search for a page may hold the database up longer; past it the page says that the database is slow. */
export const SEARCH_LIMITS = { maxTimeMS: 5_000 } as const;
