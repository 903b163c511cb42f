import type { Collection, Document } from "mongodb";

/** What to count: a name for it, and the filter, which an index must serve. Counts under one name are added up. */
export type Search<Name extends string> = [name: Name, filter: Document];

/**
 * Counts what several searches find, in one request, each no further than `most`, so that it takes no longer
 * however large the collection is.
 *
 * @param limits `maxTimeMS`: the database gives up after so long, with an error
 * @returns by name; a search that found nothing is not there
 */
export async function countUpTo<Name extends string, Schema extends Document>(
  collection: Collection<Schema>,
  searches: Search<Name>[],
  most: number,
  limits: { maxTimeMS?: number } = {},
): Promise<Map<Name, number>> {
  const [first, ...others] = searches.map(([name, filter]) => [
    { $match: filter },
    { $limit: most },
    { $group: { _id: { $literal: name }, count: { $sum: 1 } } },
  ]);
  const rest = others.map((pipeline) => ({ $unionWith: { coll: collection.collectionName, pipeline } }));
  const found = await collection
    .aggregate<{ _id: Name; count: number }>([...(first ?? []), ...rest], limits)
    .toArray();
  const counts = new Map<Name, number>();
  for (const { _id: name, count } of found) counts.set(name, (counts.get(name) ?? 0) + count);
  return counts;
}
