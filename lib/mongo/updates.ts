import type { Collection, Document, Filter, MongoBulkWriteError, UpdateOptions } from "mongodb";
import { isOfOneDocument, rejectedIn } from "./errors.ts";
import { byId, type Id, slices } from "./ids.ts";

/** How many documents an update changed, and how many of those that it was for were turned away. */
export interface Updated {
  changed: number;
  rejected: number;
}

/** Updates those of `ids` that match a filter, as {@link updateMatching} does. */
export async function updateAll<T extends { _id: Id }>(
  collection: Collection<T>,
  ids: Id[],
  filter: Document,
  update: Document | Document[],
  mark?: Document,
): Promise<Updated> {
  const updated = { changed: 0, rejected: 0 };
  for (const slice of slices(ids)) {
    const those = { _id: { $in: slice } };
    const ofSlice = mark && { ...mark, ...those };
    const { changed, rejected } = await updateMatching(
      collection,
      { ...filter, ...those },
      update,
      ofSlice,
      byId(slice),
    );
    updated.changed += changed;
    updated.rejected += rejected;
  }
  return updated;
}

/**
 * Updates what matches a filter, in one request. The server stops at the first document that can't be updated:
 * then each is updated by itself, so that it stops no other.
 *
 * @param mark matches what this very update has changed, as far as that can be looked for. The server does not say how
 * much it was before it stopped: what nothing marks is left out of the count
 */
export async function updateMatching<T extends { _id: Id }>(
  collection: Collection<T>,
  filter: Document,
  update: Document | Document[],
  mark?: Document,
  options: UpdateOptions = {},
): Promise<Updated> {
  try {
    const { modifiedCount } = await collection.updateMany(filter as Filter<T>, update, options);
    return { changed: modifiedCount, rejected: 0 };
  } catch (error) {
    if (!isOfOneDocument(error)) throw error;
    const before = mark ? await collection.countDocuments(mark as Filter<T>) : 0;
    const { changed, rejected } = await updateEach(collection, filter, update);
    return { changed: before + changed, rejected };
  }
}

async function updateEach<T extends { _id: Id }>(
  collection: Collection<T>,
  filter: Document,
  update: Document | Document[],
): Promise<Updated> {
  const found = await collection.find(filter as Filter<T>, { projection: { _id: 1 } }).toArray();
  return writeEach(
    collection,
    found.map(({ _id }) => ({ filter: { ...filter, _id }, update })),
  );
}

/** Makes updates of one document each, in one request and no order: one that is turned away stops no other. */
export async function writeEach<T extends { _id: Id }>(
  collection: Collection<T>,
  updates: { filter: Document; update: Document | Document[] }[],
): Promise<Updated> {
  const writes = updates.map((updateOne) => ({ updateOne }));
  if (writes.length === 0) return { changed: 0, rejected: 0 };
  try {
    const { modifiedCount } = await collection.bulkWrite(writes as never, { ordered: false });
    return { changed: modifiedCount, rejected: 0 };
  } catch (error) {
    const rejected = rejectedIn(error);
    return { changed: (error as MongoBulkWriteError).modifiedCount, rejected: rejected.size };
  }
}
