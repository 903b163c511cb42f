import type { Filter } from "mongodb";
import type { Database } from "../db.ts";
import type { ProblemCode } from "../problems.ts";

/** What an alert is about. Each kind is told once when it begins and once when it is over. */
export type AlertKind = "waha" | "database" | "session" | "failed" | "missed" | "unknown" | "passes";

/** An alert that stands. */
export interface Alert {
  kind: AlertKind;
  /** Which one of its kind: a session's name, or nothing where there is but one. */
  about: string;
  code: ProblemCode | null;
  /** In the words that passes use for it. */
  message: string;
  since: Date;
  /** When a pass met it last. */
  lastAt: Date;
  /** Whether it was posted; else the next pass tries again. */
  told: boolean;
}

/** What the `scheduler` collection remembers of alerts, between passes and among instances. */
export interface AlertsDocument {
  _id: "alerts";
  entries: Alert[];
  /** WAHA sessions that worked when they were seen last. */
  working: string[];
}

const ID = { _id: "alerts" } as const;
const NOTHING = { entries: [], working: [] };

/** Makes the document where there is none. */
export const ALERTS_EXIST = { updateOne: { filter: ID, update: { $setOnInsert: NOTHING }, upsert: true } };

/**
 * Finds the document only if a pass may be news: some alert stands, or other sessions work than those remembered.
 *
 * @param working their names, sorted; undefined if WAHA did not say
 */
export function mayBeNews(working: string[] | undefined): Filter<AlertsDocument> {
  const someStand: Filter<AlertsDocument> = { "entries.0": { $exists: true } };
  return { ...ID, $or: working ? [someStand, { working: { $ne: working } }] : [someStand] };
}

/** Reads what is remembered. */
export async function readAlerts(db: Database): Promise<AlertsDocument> {
  return (await db.alerts.findOne(ID)) ?? { ...ID, ...NOTHING };
}

type Key = Pick<Alert, "kind" | "about">;

/** Whether two are about the same thing, whatever they say of it. */
export function isSame(one: Key, other: Key): boolean {
  return one.kind === other.kind && one.about === other.about;
}

/**
 * Makes an alert stand, or takes on the telling of one that nobody could tell.
 *
 * @returns whether that is this caller's to tell: of several at once it is one's
 */
export async function raiseAlert(db: Database, { told: _, ...alert }: Alert): Promise<boolean> {
  const { kind, about, lastAt } = alert;
  const untold = await db.alerts.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about, told: false } } },
    { $set: { "entries.$.told": true, "entries.$.lastAt": lastAt } },
  );
  if (untold.modifiedCount === 1) return true;
  const raised = await db.alerts.updateOne(
    { ...ID, entries: { $not: { $elemMatch: { kind, about } } } },
    { $push: { entries: { ...alert, told: true } } },
  );
  return raised.modifiedCount === 1;
}

/** Notes that a pass met it again. */
export async function renewAlert(db: Database, { kind, about }: Key, lastAt: Date): Promise<void> {
  await db.alerts.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about } } },
    { $max: { "entries.$.lastAt": lastAt } },
  );
}

/**
 * Ends an alert, if nobody met it since it was read.
 *
 * @returns whether the all-clear is this caller's to tell
 */
export async function clearAlert(db: Database, { kind, about, lastAt }: Alert): Promise<boolean> {
  const result = await db.alerts.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about, lastAt } } },
    { $pull: { entries: { kind, about } } },
  );
  return result.modifiedCount === 1;
}

/** Has an alert told again by a later pass, as nobody took it. */
export async function noteUntold(db: Database, { kind, about }: Key): Promise<void> {
  await db.alerts.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about } } },
    { $set: { "entries.$.told": false } },
  );
}

/** Has an all-clear told again by a later pass: until then the alert stands. */
export async function putBack(db: Database, alert: Alert): Promise<void> {
  const { kind, about } = alert;
  await db.alerts.updateOne(
    { ...ID, entries: { $not: { $elemMatch: { kind, about } } } },
    { $push: { entries: alert } },
  );
}

/** Remembers which sessions work. */
export async function rememberWorking(db: Database, working: string[]): Promise<void> {
  await db.alerts.updateOne(ID, { $set: { working } });
}
