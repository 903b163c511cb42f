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
const REFERENCES = [...TEXTS, "objectId", "int", "long", "double", "decimal", "binData"];

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

/** A field that holds true or false; anything else is read as nothing. */
export function flag(field: string): Document {
  return onlyOf("bool", field);
}

/** A field that holds a date; anything else, a list of dates say, is read as nothing. */
export function date(field: string): Document {
  return onlyOf("date", field);
}

function onlyOf(type: string, field: string): Document {
  return { $cond: [{ $eq: [{ $type: `$${field}` }, type] }, `$${field}`, null] };
}

/** A field that holds a document, of which some parts are read; where there is no field at all, nothing is. */
export function document(field: string, parts: Record<string, (field: string) => Document>): Document {
  const type = { $type: `$${field}` };
  const read = Object.entries(parts).map(([part, of]) => [part, { $ifNull: [of(`${field}.${part}`), null] }]);
  // biome-ignore-start lint/suspicious/noThenProperty: $switch has it
  const branches = [
    { case: { $eq: [type, "missing"] }, then: "$$REMOVE" },
    { case: { $in: [type, NOTHING] }, then: null },
    { case: { $eq: [type, "object"] }, then: Object.fromEntries(read) },
  ];
  // biome-ignore-end lint/suspicious/noThenProperty: $switch has it
  return { $switch: { branches, default: { type } } };
}

/** What kind of value stands in a field that is no reference; undefined if it may be one, or is too long for one. */
export function typeOfStandIn(value: unknown): string | undefined {
  const isStandIn = typeof value === "object" && value !== null && "type" in value;
  return isStandIn && typeof value.type === "string" ? value.type : undefined;
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

/** The types of whatever is neither a date, a boolean, a list, nor nothing. */
export const OTHER_TYPES = [
  ...["string", "number", "object", "binData", "objectId", "regex", "dbPointer", "javascript"],
  ...["symbol", "javascriptWithScope", "timestamp", "minKey", "maxKey"],
];

/** There is nothing: no field, null, or `undefined`, which newer databases no longer take for null. */
const NOTHING_THERE: Document = { $not: { $type: [...OTHER_TYPES, "array", "bool", "date"] } };

/** A filter's `$not` beside an equality, which a list that holds the value meets, too. */
export const NOT_A_LIST = { $type: "array" } as const;

/** A field of the app's: the name that this code has for it, the app's own, and how it is read. */
export interface SafeField {
  name: string;
  field: string;
  read: Document;
  /** Other things are read as nothing, too, so that only an expression tells that it still is. */
  isLossy?: boolean;
}

/**
 * Filter conditions: what was read of some fields still stands. Texts, ids, flags and what is not there, which nearly all
 * are, are compared without an expression, which takes the server twice as long; a list that holds one is not it.
 *
 * @param found what was read, by this code's names
 */
export function allUnchanged(fields: SafeField[], found: Document): Document {
  const conditions = fields.map((field) => ({ field, condition: plainCondition(field, found) }));
  const plain = conditions.flatMap(({ field, condition }) => (condition ? [[field.field, condition]] : []));
  const odd = conditions.filter(({ condition }) => !condition).map(({ field }) => field);
  return {
    ...Object.fromEntries(plain),
    ...(odd.length > 0
      ? { $and: [{ $expr: { $and: odd.map(({ name, read }) => unchanged(read, found[name])) } }] }
      : {}),
  };
}

function plainCondition({ isLossy, name }: SafeField, found: Document): Document | undefined {
  const value: unknown = found[name] ?? null;
  if (typeof value === "string" || typeof value === "boolean" || value instanceof ObjectId)
    return { $eq: value, $not: NOT_A_LIST };
  return value === null && !isLossy ? NOTHING_THERE : undefined;
}

/** A document's `delivery` as an expression; empty if there is none, or something that is not a document. */
export const deliveryBefore: Document = {
  $cond: [{ $eq: [{ $type: "$delivery" }, "object"] }, "$delivery", {}],
};
