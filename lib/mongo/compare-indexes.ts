import { isDeepStrictEqual } from "node:util";
import { type Collection, type IndexDescription, type IndexDescriptionInfo, MongoServerError } from "mongodb";
import type { Stored } from "./client.ts";

/** The server's code for a collection that does not exist. */
const NO_COLLECTION = 26;

/** The indexes of a collection; undefined if it does not exist. */
export async function readIndexes(
  collection: Collection<Stored>,
): Promise<IndexDescriptionInfo[] | undefined> {
  try {
    return await collection.indexes();
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NO_COLLECTION) return undefined;
    throw error;
  }
}

/** How the indexes that a collection is to have differ from those that it has. */
export interface IndexDifference {
  /** To be created: no index, whatever its name, has its keys, its partial filter and the simple collation. */
  missing: IndexDescription[];
  /** The names of indexes to be dropped: those of the scheduler's that have other keys, filters or collations. */
  different: string[];
}

/** Compares the indexes of a collection with those that it is to have: by keys, partial filter and collation. */
export function compareIndexes(
  wanted: IndexDescription[],
  existing: IndexDescriptionInfo[],
): IndexDifference {
  // An index that names no collation gets its collection's. That of _id shows it; naming the simple one does no harm.
  const hasCollation = existing.some(({ collation, name }) => name === "_id_" && collation !== undefined);
  const all = hasCollation ? [...wanted, BY_ID] : wanted;
  const missing = all.filter((index) => !existing.some((found) => serves(index, found)));
  return {
    missing: hasCollation ? missing.map((index) => ({ ...index, collation: SIMPLE })) : missing,
    different: all
      .filter((index) => existing.some((found) => found.name === index.name && !isSame(index, found)))
      .map(({ name }) => String(name)),
  };
}

const SIMPLE = { locale: "simple" };

/**
 * Where a collection has a collation, its index of _id has it, too, and serves no filter of ours that names texts. No other
 * index may have _id as its only key.
 */
const BY_ID: IndexDescription = {
  name: "scheduler_id",
  key: { _id: 1, isDeleted: 1 },
  partialFilterExpression: { _id: { $exists: true } },
};

/** Whether an index is the scheduler's own, or one of the app's that the server may use in its place. */
export function serves(wanted: IndexDescription, found: IndexDescriptionInfo): boolean {
  return isSame(wanted, found) && (found.name === wanted.name || found.hidden !== true);
}

/** The order of the keys matters, that of the filter's conditions does not. The simple collation is not listed. */
function isSame(wanted: IndexDescription, found: IndexDescriptionInfo): boolean {
  return (
    JSON.stringify(wanted.key) === JSON.stringify(found.key) &&
    isDeepStrictEqual(wanted.partialFilterExpression, found.partialFilterExpression) &&
    found.collation === undefined
  );
}
