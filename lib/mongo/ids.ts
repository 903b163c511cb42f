import { Binary, BSON, Decimal128, Long, ObjectId } from "mongodb";

/** An id as some app wrote it: an ObjectId here, its string there. (BSON would allow anything; nothing rests on it.) */
export type Id = ObjectId | string | number | Long | Decimal128 | Binary;

/**
 * Both forms in which a reference to `id` may have been written: an ObjectId and its hexadecimal string. None
 * for what can be no id: an app may store anything there, and an object could be taken for an operator.
 */
export function idForms(id: Id): Id[] {
  if (id instanceof ObjectId) return [id, id.toHexString()];
  if (typeof id === "string" && /^[0-9a-f]{24}$/i.test(id)) return [id, new ObjectId(id)];
  return typeof id === "string" || isSearchable(id) || id instanceof Decimal128 ? [id] : [];
}

/**
 * Whether a search that finds no document for a reference proves that there is none. It does not for a list or a document,
 * which can't be searched for, nor for a decimal, which equals others that are written differently.
 */
export function isSearchable(id: Id): boolean {
  if (id instanceof Binary) return id.sub_type !== Binary.SUBTYPE_VECTOR;
  if (typeof id === "string") return isReadWhole(id);
  return typeof id === "number" || id instanceof ObjectId || isLong(id);
}

/** The driver reads bytes that are no UTF-8 as this character, and a date that JavaScript does not know as none. */
function isReadWhole(id: unknown): boolean {
  if (id instanceof Date) return !Number.isNaN(id.getTime());
  return typeof id !== "string" || !id.includes("\ufffd");
}

/** A timestamp is one as well, as a class. */
function isLong(id: Id): id is Long {
  return id instanceof Long && id._bsontype === "Long";
}

/** Both forms of all references, each once however often it is named. */
export function distinctForms(ids: Id[]): Id[] {
  return [...new Map(ids.flatMap(idForms).map((form) => [documentKey(form), form])).values()];
}

/** A request has 16 MB, and what is read of an id 512 bytes. */
const IDS_A_REQUEST = 10_000;

/** Slices of ids, or of what has one, each short enough for one request. */
export function* slices<T>(all: T[]): Generator<T[]> {
  for (let from = 0; from < all.length; from += IDS_A_REQUEST) yield all.slice(from, from + IDS_A_REQUEST);
}

/**
 * The hint that makes a filter by these ids use the index of `_id`: without it the server weighs others each time, and may
 * walk through all that is due. None for texts: that index may have a collation of the app's own, and then holds no text
 * as it is asked for (`scheduler_id` does).
 */
export function byId(ids: Id[]): { hint?: { _id: 1 } } {
  return ids.some((id) => typeof id === "string") ? {} : { hint: { _id: 1 } };
}

/** A string that is the same for both forms of a reference, and differs for references that differ. */
export function idKey(id: Id): string {
  if (id instanceof ObjectId) return id.toHexString();
  if (typeof id === "string") return /^[0-9a-f]{24}$/i.test(id) ? id.toLowerCase() : `"${id}"`;
  // Both zeros give `#0`, and JSON has no way to write NaN or infinity.
  if (typeof id === "number") return `#${id}`;
  return isLong(id) ? `#${numberOrDigits(id.toBigInt())}` : documentKey(id);
}

/** What a double holds as well is the same number for the database. */
function numberOrDigits(value: bigint): number | bigint {
  return BigInt(Number(value)) === value ? Number(value) : value;
}

/** A string that tells values apart by type as well, as the database does. JSON would not: it has fewer types. */
export function documentKey(id: Id | null | undefined): string {
  return id instanceof ObjectId ? `o${id.toHexString()}` : (encoded(id) ?? JSON.stringify([id]));
}

/** Whether the driver, which read this id, can also write it: it decodes some values that it can't encode again. */
export function canBeWritten(id: Id | null | undefined): boolean {
  return id instanceof ObjectId || typeof id === "string" || encoded(id) !== undefined;
}

/** Whether a filter with this id, as the driver read it, finds the document that has it. */
export function findsItself(id: Id): boolean {
  return canBeWritten(id) && isReadWhole(id);
}

function encoded(id: Id | null | undefined): string | undefined {
  try {
    return Buffer.from(BSON.serialize({ id })).toString("latin1");
  } catch {
    return undefined;
  }
}
