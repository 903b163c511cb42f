import { type Collection, type Document, type Filter, MongoBulkWriteError, MongoServerError } from "mongodb";
import type { Id } from "./documents.ts";

/**
 * The server's codes for what is wrong with one document alone: a validation rule of its collection turns it away
 * (an old one, that the rule came after), or it would be longer than 16 MB (two codes, by the server's age).
 */
const OF_ONE_DOCUMENT = new Set<unknown>([121, 17419, 10334]);

/** Whether the database turned one document away, and has nothing against others. */
export function isOfOneDocument(error: unknown): boolean {
  return error instanceof MongoServerError && OF_ONE_DOCUMENT.has(error.code);
}

/**
 * Updates those of `ids` that match a filter, as {@link updateMatching} does.
 *
 * @returns how many were changed
 */
export async function updateAll<T extends { _id: Id }>(
  collection: Collection<T>,
  ids: Id[],
  filter: Document,
  update: Document[],
): Promise<number> {
  if (ids.length === 0) return 0;
  return updateMatching(collection, { ...filter, _id: { $in: ids } }, update);
}

/**
 * Updates what matches a filter, in one request. The server stops at the first document that can't be updated:
 * then each is updated by itself, so that it stops no other.
 *
 * @returns how many were changed
 */
export async function updateMatching<T extends { _id: Id }>(
  collection: Collection<T>,
  filter: Document,
  update: Document | Document[],
): Promise<number> {
  try {
    return (await collection.updateMany(filter as Filter<T>, update)).modifiedCount;
  } catch (error) {
    if (!isOfOneDocument(error)) throw error;
    return updateEach(collection, filter, update);
  }
}

async function updateEach<T extends { _id: Id }>(
  collection: Collection<T>,
  filter: Document,
  update: Document | Document[],
): Promise<number> {
  const found = await collection.find(filter as Filter<T>, { projection: { _id: 1 } }).toArray();
  const writes = found.map(({ _id }) => ({ updateOne: { filter: { ...filter, _id }, update } }));
  if (writes.length === 0) return 0;
  try {
    return (await collection.bulkWrite(writes as never, { ordered: false })).modifiedCount;
  } catch (error) {
    const refused = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
    const onlyRefused = refused.length > 0 && refused.every(({ code }) => OF_ONE_DOCUMENT.has(code));
    if (!(error instanceof MongoBulkWriteError) || !onlyRefused) throw error;
    return error.modifiedCount;
  }
}
