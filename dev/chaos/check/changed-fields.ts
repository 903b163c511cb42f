import { BSON, type Document } from "mongodb";
import { deliveryOf } from "./steps.ts";

/** Whether the database would tell two values apart; by their types as well. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(BSON.serialize({ value: a }), BSON.serialize({ value: b })) === 0;
}

/** The fields in which two versions differ; those of `delivery` one by one. */
export function changedFields(before: Document, after: Document): string[] {
  const { delivery: deliveryBefore, ...restBefore } = before;
  const { delivery: deliveryAfter, ...restAfter } = after;
  const inDelivery = differing(deliveryOf(before), deliveryOf(after)).map((field) => `delivery.${field}`);
  const isGone = deliveryBefore !== undefined && deliveryAfter === undefined;
  return [...differing(restBefore, restAfter), ...inDelivery, ...(isGone ? ["delivery"] : [])];
}

function differing(before: Document, after: Document): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields].filter((field) => !sameValue(before[field], after[field]));
}
