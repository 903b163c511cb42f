import type { Collection, Document } from "mongodb";

const SIMPLE = { collation: { locale: "simple" } };

/** The operations that compare values, and the place of their options among the arguments. */
const OPTIONS_AT: Record<string, number> = {
  find: 1,
  findOne: 1,
  aggregate: 1,
  countDocuments: 1,
  distinct: 2,
  updateOne: 2,
  updateMany: 2,
  findOneAndUpdate: 2,
  deleteMany: 1,
  deleteOne: 1,
};

/**
 * A collection of which every filter compares byte by byte. An app's collection may have a collation of its own, by which
 * "PAUSED" is "paused" and an edit of case or accent is none: then a guard would let through what it is to hold.
 */
export function simplyCollated<T extends Document>(collection: Collection<T>): Collection<T> {
  return new Proxy(collection, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...given: unknown[]) => Reflect.apply(member, target, withCollation(String(name), given));
    },
  });
}

function withCollation(operation: string, given: unknown[]): unknown[] {
  if (operation === "bulkWrite") {
    const [writes, ...rest] = given;
    return [(writes as Document[]).map(collatedWrite), ...rest];
  }
  const place = OPTIONS_AT[operation];
  if (place === undefined) return given;
  const filled = Array.from({ length: Math.max(place + 1, given.length) }, (_, at) => given[at]);
  filled[place] = { ...SIMPLE, ...(filled[place] as Document | undefined) };
  return filled;
}

/** Of the writes that a bulk makes, an insertion alone compares nothing. */
function collatedWrite(write: Document): Document {
  const parts = Object.entries(write).map(([kind, part]) => [kind, { ...SIMPLE, ...part }]);
  return Object.fromEntries(parts);
}
