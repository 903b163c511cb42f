import type { Collection, Db, Document } from "mongodb";
import type { Mapping } from "../../../lib/documents/mapping.ts";

/**
 * Makes time pass for everything that a database holds: all its dates move into the past. To be called only
 * while no pass runs, as a pass has times in its memory.
 */
export async function ageBy(db: Db, { campaigns, messages }: Mapping, ms: number): Promise<void> {
  const collections = [messages.collection, campaigns.collection, "scheduler"];
  await Promise.all(collections.map((name) => ageAll(db.collection(name), ms)));
}

async function ageAll(collection: Collection, ms: number): Promise<void> {
  const documents = await collection.find().toArray();
  if (documents.length === 0) return;
  const replaces = documents.map((document) => ({
    replaceOne: {
      filter: { _id: document._id },
      replacement: { ...shift(document, ms), agedBy: (document.agedBy ?? 0) + ms },
    },
  }));
  await collection.bulkWrite(replaces, { ordered: false });
}

function shift(document: Document, ms: number): Document {
  return Object.fromEntries(
    Object.entries(document).map(([field, value]) => {
      if (value instanceof Date) return [field, new Date(value.getTime() - ms)];
      return [field, isPlain(value) ? shift(value, ms) : value];
    }),
  );
}

/** A sub-document, and not one of BSON's own kinds of value. */
function isPlain(value: unknown): value is Document {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
