import type { Collection, Document } from "mongodb";
import { aggregateAll } from "./aggregate-all.ts";

/**
 * What to count: a name for it, and the filter, which an index must serve. Counts under one name are added up.
 *
 * `only` is an expression that a document must meet, too: not part of the filter, as a search that finds few of
 * many would go on through all of them. So it is asked of what was found up to the bound.
 */
export type Search<Name extends string> = [name: Name, filter: Document, only?: Document];

/** A count that stopped at some bound: `more` says that there may be more than `count`. */
export interface Bounded {
  count: number;
  more: boolean;
}

/**
 * Counts what several searches find, in one request, each no further than `most`, so that it takes no longer
 * however large the collection is.
 *
 * @param limits `maxTimeMS`: after how long the database gives up, with an error
 * @returns by name; a search that found nothing is not there
 */
export async function countUpTo<Name extends string, Schema extends Document>(
  collection: Collection<Schema>,
  searches: Search<Name>[],
  most: number,
  limits: { maxTimeMS?: number } = {},
): Promise<Map<Name, Bounded>> {
  const pipelines = searches.map(([name, filter, only]) => [
    { $match: filter },
    { $limit: most + 1 },
    {
      $group: {
        _id: { $literal: name },
        found: { $sum: 1 },
        count: { $sum: only ? { $cond: [only, 1, 0] } : 1 },
      },
    },
  ]);
  const all = await aggregateAll<{ _id: Name; found: number; count: number }>(collection, pipelines, limits);
  const counts = new Map<Name, Bounded>();
  for (const { _id: name, found, count } of all) {
    if (count === 0) continue;
    const before = counts.get(name) ?? { count: 0, more: false };
    counts.set(name, { count: before.count + Math.min(count, most), more: before.more || found > most });
  }
  return counts;
}
