import fc from "fast-check";
import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from "mongodb";
import { encodeDocument, int32, nested, RawValue } from "./raw-bson.ts";

/** Dates that JavaScript knows are 8.64e15 ms around 1970; BSON's reach further. */
const DATE_LIMIT = 8_640_000_000_000_000;

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.constantFrom(
    "",
    " ",
    "\0",
    "default",
    "491701234567",
    "491701234567@c.us",
    "$gt",
    "..",
    "null",
    "false",
  ),
);

const notUtf8 = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map((bytes) => new RawValue(2, Buffer.concat([int32(bytes.length + 2), bytes, Buffer.of(0xff, 0)])));

/** Names that mean something to MongoDB, to JavaScript, to its BSON library or to JSON. */
const anyName = fc.oneof(
  fc.constantFrom("$gt", "$oid", "$ref", "a.b", "", "__proto__", "constructor", "toString", "toJSON"),
  fc.constantFrom("_bsontype", "length", "then", "valueOf", "isSent", "delivery"),
  fc.string({ maxLength: 5 }).filter((name) => !name.includes("\0")),
);

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(Long.fromBigInt);
const objectId = fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes));

const vector = (bytes: Uint8Array) =>
  new RawValue(5, Buffer.concat([int32(bytes.length), Buffer.of(9), bytes]));

function long64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

/** Values of every BSON type, and of those that only older or other programs write, by the type's name. */
export const BSON_TYPES: Record<string, fc.Arbitrary<unknown>> = {
  double: fc.oneof(fc.double(), fc.constantFrom(0, -0, 1e300, Number.NaN)).map((value) => new Double(value)),
  string: anyText,
  "string that is no UTF-8": notUtf8,
  "long string": fc.integer({ min: 1_000, max: 100_000 }).map((length) => "x".repeat(length)),
  document: fc
    .array(fc.tuple(anyName, fc.oneof(anyText, fc.integer(), fc.constant(null))), { maxLength: 4 })
    .map(nested),
  "document like an extended type": fc
    .constantFrom("ObjectId", "Code", "Long", "x", "")
    .map((type) => nested([["_bsontype", type]])),
  "deep document": fc
    .integer({ min: 1, max: 50 })
    .map((depth) => Array.from({ length: depth }).reduce((inner) => nested([["a", inner]]), 1)),
  array: fc.array(fc.oneof(anyText, fc.integer(), fc.boolean(), objectId, fc.constant(null)), {
    maxLength: 4,
  }),
  "array of dates": fc.array(fc.date({ noInvalidDate: true }), { maxLength: 4 }),
  "array of documents": fc
    .array(fc.constantFrom({}, { state: "claimed" }, { state: "attempting", nextLookupAt: new Date(0) }))
    .map((items) => items.slice(0, 3)),
  binary: fc
    .tuple(fc.uint8Array({ maxLength: 20 }), fc.constantFrom(0, 1, 3, 4, 5, 6, 7, 8, 128, 255))
    .map(([bytes, subtype]) => new Binary(bytes, subtype)),
  UUID: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => new Binary(bytes, 4)),
  vector: fc.uint8Array({ maxLength: 8 }).map(vector),
  "malformed vector": fc.constantFrom(vector(Buffer.of(3, 1)), vector(Buffer.of(16, 9, 1))),
  undefined: fc.constant(new RawValue(6, Buffer.of())),
  "missing field": fc.constant(undefined),
  ObjectId: objectId,
  boolean: fc.boolean(),
  date: fc.oneof(
    fc.date({ noInvalidDate: true }),
    fc.constantFrom(0, DATE_LIMIT, -DATE_LIMIT).map((time) => new Date(time)),
    fc.integer({ min: -200_000, max: 10_000 }).map((ms) => new Date(Date.now() + ms)),
  ),
  "date beyond JavaScript's": fc
    .constantFrom(2n ** 63n - 1n, -(2n ** 63n), BigInt(DATE_LIMIT) + 1n, -BigInt(DATE_LIMIT) - 1n)
    .map((time) => new RawValue(9, long64(time))),
  null: fc.constant(null),
  "regular expression": fc
    .constantFrom(["", ""], [".*", "i"], ["(?i)x", ""], ["(", "mx"])
    .map(([pattern = "", options]) => new BSONRegExp(pattern, options)),
  DBRef: fc.tuple(anyText, objectId).map(([ref, id]) =>
    nested([
      ["$ref", ref],
      ["$id", id],
    ]),
  ),
  DBPointer: objectId.map(
    (id) =>
      new RawValue(12, Buffer.concat([int32(2), Buffer.from("c\0"), Buffer.from(id.toHexString(), "hex")])),
  ),
  code: fc.constantFrom(new Code("while(true){}"), new Code("x", { x: 1 })),
  symbol: anyText.map((text) => new BSONSymbol(text)),
  int32: fc.integer().map((value) => new Int32(value)),
  timestamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => new Timestamp(bits)),
  int64: fc.oneof(int64, fc.constantFrom(Long.MAX_VALUE, Long.MIN_VALUE, Long.fromNumber(1))),
  decimal128: fc
    .constantFrom("0", "1", "NaN", "Infinity", "-Infinity", "1E+6144", "1.0")
    .map((text) => Decimal128.fromString(text)),
  MinKey: fc.constant(new MinKey()),
  MaxKey: fc.constant(new MaxKey()),
};

export const anyValue: fc.Arbitrary<unknown> = fc.oneof(...Object.values(BSON_TYPES));

/** A document with the same fields but for those that `replaced` names; a name with a dot is one of `delivery`. */
export function withFields(base: Record<string, unknown>, replaced: Record<string, unknown>): Buffer {
  const own = Object.fromEntries(Object.entries(replaced).filter(([name]) => !name.includes(".")));
  const inDelivery = Object.entries(replaced).filter(([name]) => name.includes("."));
  const delivery = {
    ...(base.delivery as object),
    ...Object.fromEntries(inDelivery.map(([n, v]) => [n.slice(9), v])),
  };
  const fields = {
    ...base,
    ...(inDelivery.length > 0 ? { delivery: nested(Object.entries(delivery)) } : {}),
    ...own,
  };
  return encodeDocument(Object.entries(fields));
}
