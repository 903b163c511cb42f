import { BSON, type Document, ObjectId } from "mongodb";
import { byId, documentKey } from "../mongo/ids.ts";
import { NOT_A_LIST } from "../mongo/safe-fields.ts";
import type { Transition } from "./transitions.ts";

/** Writes that one statement makes; it has changed as many messages as took effect. */
export interface Joint {
  writes: Transition[];
  statement: { filter: Document; update: Document | Document[]; hint?: { _id: 1 } };
}

/** How many writes one statement holds. It may have 16 MB; with the longest texts and addresses these have 14. */
const MOST_JOINED = 50;

/** A write, with its filter taken apart. */
interface Part {
  write: Transition;
  /** The fields that must have a value, and these values. */
  paths: string[];
  values: unknown[];
  /** Its other conditions. */
  others: Document;
}

/**
 * Joins writes that differ in their values alone, as a statement for each takes the database half as long again
 * (`npm run bench -- --only intent-cost`). Of two writes of one message either may be made first.
 */
export function joined(writes: Transition[]): Joint[] {
  const joints: Part[][] = [];
  const open = new Map<string, { joint: Part[]; messages: Set<string> }>();
  for (const write of writes) {
    const part = partOf(write);
    const shape = shapeOf(part);
    const message = documentKey(write.message._id);
    let fitting = open.get(shape);
    // A statement changes each message once.
    if (!fitting || fitting.joint.length === MOST_JOINED || fitting.messages.has(message)) {
      fitting = { joint: [], messages: new Set() };
      open.set(shape, fitting);
      joints.push(fitting.joint);
    }
    fitting.joint.push(part);
    fitting.messages.add(message);
  }
  return joints.map((joint) => ({ writes: joint.map(({ write }) => write), statement: statementOf(joint) }));
}

/** Writes as they are, each by a statement of its own. */
export function apart(writes: Transition[]): Joint[] {
  return writes.map((write) => ({ writes: [write], statement: ownStatement(write) }));
}

function ownStatement({ filter, message, update }: Transition): Joint["statement"] {
  return { filter, update, ...byId([message._id]) };
}

/**
 * The statement finds out the place of a message among the ids. It compares the message with the values at that place,
 * and sets those at that place. The database changes one document after the other, so each write stands or falls by
 * itself.
 */
function statementOf(joint: Part[]): Joint["statement"] {
  const [first] = joint as [Part];
  if (joint.length === 1) return ownStatement(first.write);
  const ids = joint.map(({ write }) => write.message._id);
  // An id that is not among them would have the place -1, which means the last one: so ids are compared as well.
  const place = { $indexOfArray: [{ $literal: ids }, "$_id"] };
  const ownOf = (values: unknown[]): Document =>
    values.every((value) => value === values[0])
      ? { $literal: values[0] }
      : { $arrayElemAt: [{ $literal: values }, place] };

  const isAsAsked = {
    $eq: [first.paths.map((path) => `$${path}`), ownOf(joint.map(({ values }) => values))],
  };
  const { $expr, ...others } = first.others;
  const { $inc = {}, $set, $unset } = first.write.update;
  const set = Object.keys($set).map((path) => [
    path,
    ownOf(joint.map(({ write }) => write.update.$set[path])),
  ]);
  const increased = Object.entries($inc).map(([path, by]) => [
    path,
    { $add: [{ $ifNull: [`$${path}`, 0] }, by] },
  ]);
  const gone = Object.keys($unset);
  return {
    filter: { ...others, _id: { $in: ids }, $expr: $expr ? { $and: [isAsAsked, $expr] } : isAsAsked },
    update: [
      { $set: Object.fromEntries([...set, ...increased]) },
      ...(gone.length > 0 ? [{ $unset: gone }] : []),
    ],
    ...byId(ids),
  };
}

/** The same for writes that differ in their values alone. */
function shapeOf({ others, paths, write }: Part): string {
  const { $inc = {}, $set, $unset } = write.update;
  const names = JSON.stringify([paths, Object.keys($set), Object.keys($unset), $inc]);
  return names + Buffer.from(BSON.serialize(others)).toString("latin1");
}

function partOf(write: Transition): Part {
  const paths: string[] = [];
  const values: unknown[] = [];
  const others: [string, unknown][] = [];
  for (const [path, condition] of Object.entries(write.filter)) {
    const value = isEquality(condition) ? condition.$eq : condition;
    if (path === "_id" || isValue(value)) {
      paths.push(path);
      values.push(value);
    } else others.push([path, condition]);
  }
  return { write, paths, values, others: Object.fromEntries(others) };
}

function isValue(condition: unknown): boolean {
  const isPlain = ["string", "boolean", "number"].includes(typeof condition);
  return isPlain || condition instanceof Date || condition instanceof ObjectId;
}

/** Values are compared as an expression does, which takes no list for one of its values: {@link NOT_A_LIST} is implied. */
function isEquality(condition: unknown): condition is { $eq: unknown } {
  if (typeof condition !== "object" || condition === null || !("$eq" in condition)) return false;
  const { $eq: _value, $not = NOT_A_LIST, ...rest } = condition as { $eq: unknown; $not?: unknown };
  return $not === NOT_A_LIST && Object.keys(rest).length === 0;
}
