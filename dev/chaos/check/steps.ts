import type { Document } from "mongodb";
import type { HarnessFields, History, Version } from "../record.ts";

/**
 * How far two clocks' readings of the same moment may lie apart: both are cut to whole milliseconds, and a busy
 * machine takes one a little later than the other.
 */
export const TIES_MS = 10;

/** Who wrote a version: the app, the harness that made time pass, or, as neither signed it, the scheduler. */
type Author = "app" | "aging" | "scheduler";

/** One write, as the document was before and after it; null where there was none. */
export interface Step<T> {
  at: number;
  by: Author;
  before: T | null;
  after: T | null;
}

/** The writes that a history consists of, oldest first. */
export function stepsOf<T extends HarnessFields>(history: History<T>): Step<T>[] {
  return history.map(({ at, document }, index) => {
    const before = history[index - 1]?.document ?? null;
    return { at, by: authorOf(before, document), before, after: document };
  });
}

function authorOf(before: HarnessFields | null, after: HarnessFields | null): Author {
  // The scheduler never removes anything, and whatever it added would lack the harness's fields.
  if (!after) return "app";
  if (!before) return typeof after.appRev === "number" ? "app" : "scheduler";
  if (before.appRev !== after.appRev) return "app";
  return before.agedBy === after.agedBy ? "scheduler" : "aging";
}

/** The version that stood at a moment; undefined before the first. */
export function inForce<T>(history: History<T>, at: number): Version<T> | undefined {
  return history.findLast((version) => version.at <= at);
}

/** Every version that stood at some moment of a span. */
export function inForceBetween<T>(history: History<T>, from: number, to: number): Version<T>[] {
  return history.filter((version, index) => version.at <= to && (history[index + 1]?.at ?? to) >= from);
}

/** `delivery`, if it is a document; an app may have stored anything there. */
export function deliveryOf(document: { delivery?: unknown } | null | undefined): Document {
  const delivery = document?.delivery;
  const isDocument = typeof delivery === "object" && delivery !== null && !Array.isArray(delivery);
  return isDocument ? delivery : {};
}

/** `delivery.state`; `none` where there is none. */
export function stateOf(document: { delivery?: unknown } | null | undefined): string {
  const { state } = deliveryOf(document);
  return typeof state === "string" ? state : "none";
}

/** The moment of a date, and NaN, which no comparison holds for, of anything else. */
export function timeOf(value: unknown): number {
  return value instanceof Date ? value.getTime() : Number.NaN;
}

/** The time that the last settlement, or else the last note of a reason, set. */
export function stampOf(document: { delivery?: unknown } | null | undefined): number {
  const { settledAt, error } = deliveryOf(document);
  return timeOf(settledAt ?? error?.at);
}
