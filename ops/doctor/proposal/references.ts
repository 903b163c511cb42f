import type { Document } from "mongodb";
import type { Database } from "../../../lib/mongo/client.ts";
import { type Id, idForms } from "../../../lib/mongo/ids.ts";
import { LOOK_MS } from "../run-check.ts";
import type { Field } from "./fields.ts";

/** So many of the newest documents are read, none of them longer than so many bytes. */
const SAMPLED = 20;
const MAX_BYTES = 100_000;

/** So many ids are looked for, and so many collections in. */
const MOST_IDS = 5;
const MOST_COLLECTIONS = 50;

/** Some of the newest documents of a collection, by `_id`. */
export async function sampleDocuments({ database }: Database, collection: string): Promise<Document[]> {
  return database
    .collection(collection)
    .find({ $expr: { $lte: [{ $bsonSize: "$$ROOT" }, MAX_BYTES] } }, { maxTimeMS: LOOK_MS })
    .sort({ _id: -1 })
    .limit(SAMPLED)
    .toArray();
}

/** The collection in which a field's values are ids of documents, if there is one; of several the first. */
export async function findReferenced(
  db: Database,
  { values }: Field,
  collections: string[],
): Promise<string | undefined> {
  const ids = values.slice(0, MOST_IDS).flatMap((value) => idForms(value as Id));
  const match = { $match: { _id: { $in: ids } } };
  const searches = collections.slice(0, MOST_COLLECTIONS).map((coll) => {
    const pipeline = [match, { $limit: 1 }, { $project: { _id: 0, collection: { $literal: coll } } }];
    return { $unionWith: { coll, pipeline } };
  });
  const [found] = await db.messages
    .aggregate<{ collection: string }>([{ $match: { _id: { $in: [] } } }, ...searches], {
      maxTimeMS: LOOK_MS,
    })
    .toArray();
  return found?.collection;
}
