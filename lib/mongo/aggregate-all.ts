import type { Collection, Document } from "mongodb";

/**
 * Runs several pipelines over one collection, in one request; what they bring comes in any order.
 *
 * @param limits `maxTimeMS`: after how long the database gives up, with an error
 * @returns nothing where there is no pipeline; then nothing is asked
 */
export async function aggregateAll<T extends Document>(
  collection: Pick<Collection, "aggregate" | "collectionName">,
  pipelines: Document[][],
  limits: { maxTimeMS?: number } = {},
): Promise<T[]> {
  const [first, ...others] = pipelines;
  if (!first) return [];
  const rest = others.map((pipeline) => ({ $unionWith: { coll: collection.collectionName, pipeline } }));
  return collection.aggregate<T>([...first, ...rest], limits).toArray();
}
