import { type Document, ObjectId } from "mongodb";

/**
 * How fields that an app writes are read. Each may hold anything, up to the 16 MB of a document, also what the
 * driver decodes and can't encode again (a document with a field `_bsontype`, say), and then one document would
 * break a request that is made for many. So what is no reference or no text is left where it is, and a stand-in
 * tells what it was: an object, which nothing takes for an id or a text.
 */

/** No id and no name is longer, in bytes. */
const MAX_ID_BYTES = 512;

/** What `$bsonSize` counts of a text in a document by itself, beside its bytes; of no other value it is more. */
const WRAPPING = 17;

const size = (field: string): Document => ({ $bsonSize: { value: `$${field}` } });

/** The field, or how long it is if that is too much. */
function upTo(maxBytes: number, field: string): Document {
  return { $cond: [{ $lte: [size(field), maxBytes + WRAPPING] }, `$${field}`, { tooLong: size(field) }] };
}

const NOTHING = ["missing", "null", "undefined"];
const TEXTS = [...NOTHING, "string", "symbol"];
const REFERENCES = [...TEXTS, "objectId", "int", "long", "double", "binData"];

function only(types: string[], maxBytes: number, field: string): Document {
  const type = { $type: `$${field}` };
  return { $cond: [{ $in: [type, types] }, upTo(maxBytes, field), { type }] };
}

/** A field that refers to a document by its id. */
export function reference(field: string): Document {
  return only(REFERENCES, MAX_ID_BYTES, field);
}

/** A field that holds a text, of this many bytes at the most. */
export function text(field: string, maxBytes = MAX_ID_BYTES): Document {
  return only(TEXTS, maxBytes, field);
}

/** Whether a value stands in for a text that was too long to be read. */
export function isTooLong(value: unknown): boolean {
  return typeof value === "object" && value !== null && "tooLong" in value;
}

/** Documents with an `_id` that is short enough for a few hundred of them to share a request. */
export const SHORT_ID: Document = { $lte: [{ $bsonSize: { value: "$_id" } }, MAX_ID_BYTES + WRAPPING] };

/** A condition: what `read` gives is still `value`; nothing and null are the same. */
export function unchanged(read: Document, value: unknown): Document {
  return { $eq: [{ $ifNull: [read, null] }, { $literal: value ?? null }] };
}

/**
 * Filter conditions: what was read of some fields still stands. Texts and ids, which nearly all are, are compared
 * without an expression, which takes the server twice as long; a list that holds one is not it.
 *
 * @param fields of each: its name, how it is read, and what was read
 */
export function allUnchanged(fields: [field: string, read: Document, value: unknown][]): Document {
  const plain = fields.filter(([, , value]) => typeof value === "string" || value instanceof ObjectId);
  const odd = fields.filter((field) => !plain.includes(field));
  return {
    ...Object.fromEntries(plain.map(([field, , value]) => [field, { $eq: value, $not: { $type: "array" } }])),
    ...(odd.length > 0
      ? { $and: [{ $expr: { $and: odd.map(([, read, value]) => unchanged(read, value)) } }] }
      : {}),
  };
}

/** A document's `delivery` as an expression; empty if there is none, or something that is not a document. */
export const deliveryBefore: Document = {
  $cond: [{ $eq: [{ $type: "$delivery" }, "object"] }, "$delivery", {}],
};
