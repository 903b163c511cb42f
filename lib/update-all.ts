import {
  type ClientSession,
  type Collection,
  type Document,
  MongoBulkWriteError,
  MongoServerError,
} from "mongodb";
import type { Id } from "./documents.ts";

/** The server's code for a document that a validation rule of its collection turns away. */
const VALIDATION_FAILED = 121;

/**
 * Updates those of `ids` that match a filter, in one request. The server stops at the first document that a
 * validation rule turns away (an old one, that the rule came after): then each is updated by itself, so that it
 * stops no other. In a transaction, which ends at the first error, that is left to the caller.
 *
 * @returns how many were changed
 */
export async function updateAll<T extends { _id: Id }>(
  collection: Collection<T>,
  ids: Id[],
  filter: Document,
  update: Document[],
  session?: ClientSession,
): Promise<number> {
  if (ids.length === 0) return 0;
  try {
    const all = { ...filter, _id: { $in: ids } };
    return (await collection.updateMany(all as never, update, session ? { session } : {})).modifiedCount;
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== VALIDATION_FAILED || session) throw error;
    return updateEach(collection, ids, filter, update);
  }
}

async function updateEach<T extends { _id: Id }>(
  collection: Collection<T>,
  ids: Id[],
  filter: Document,
  update: Document[],
): Promise<number> {
  const writes = ids.map((_id) => ({ updateOne: { filter: { ...filter, _id }, update } }));
  try {
    return (await collection.bulkWrite(writes as never, { ordered: false })).modifiedCount;
  } catch (error) {
    const refused = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
    const onlyRefused = refused.length > 0 && refused.every(({ code }) => code === VALIDATION_FAILED);
    if (!(error instanceof MongoBulkWriteError) || !onlyRefused) throw error;
    return error.modifiedCount;
  }
}
