import type { Filter, FindOneOptions } from "mongodb";
import { addSeconds } from "../clock.ts";
import type { Database } from "../db.ts";
import type { ProblemCode } from "../problems.ts";
import type { AlertState } from "./words.ts";

/** What an alert is about. Each kind is told once when it begins and once when it is over. */
export type AlertKind = "waha" | "database" | "session" | "failed" | "missed" | "unknown" | "passes";

/** What is wrong, or was. */
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
}

/** An alert as it is remembered: until it is over, and people were told so. */
export interface Entry extends Alert {
  state: AlertState;
  /** What people were told of it last, if anything; where that is not its state, they are still to be told. */
  told: AlertState | null;
  /** Until then somebody is just telling it. */
  tellingUntil: Date | null;
}

/** What the `scheduler` collection remembers of alerts, between passes and among instances. */
export interface AlertsDocument {
  _id: "alerts";
  entries: Entry[];
  /** WAHA sessions that worked when they were seen last. */
  working: string[];
  /** Gaps between passes that ended by then have become entries. */
  gapsUntil?: Date;
}

const ID = { _id: "alerts" } as const;
const NOTHING = { entries: [], working: [] };

/** A post takes five seconds at most; whoever has not told by then has died, and the next pass tells. */
const TELLING_SECONDS = 30;

/** Makes the document where there is none. */
export const ALERTS_EXIST = { updateOne: { filter: ID, update: { $setOnInsert: NOTHING }, upsert: true } };

/**
 * Finds the document only if a pass may be news: some alert is remembered, or other sessions work than those
 * remembered.
 *
 * @param working their names, sorted; undefined if WAHA did not say
 */
export function mayBeNews(working: string[] | undefined): Filter<AlertsDocument> {
  const someStand: Filter<AlertsDocument> = { "entries.0": { $exists: true } };
  return { ...ID, $or: working ? [someStand, { working: { $ne: working } }] : [someStand] };
}

/** Reads what is remembered. */
export async function readAlerts(db: Database, limits: FindOneOptions = {}): Promise<AlertsDocument> {
  return (await db.alerts.findOne(ID, limits)) ?? { ...ID, ...NOTHING };
}

type Key = Pick<Alert, "kind" | "about">;

/** Whether two are about the same thing, whatever they say of it. */
export function isSame(one: Key, other: Key): boolean {
  return one.kind === other.kind && one.about === other.about;
}

/** Makes an alert stand, or notes that one which stands was met again. One that was over stands again. */
export async function noteMet(db: Database, alert: Alert): Promise<void> {
  const { kind, about, lastAt } = alert;
  const { matchedCount } = await db.alerts.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about } } },
    { $set: { "entries.$.state": "standing" }, $max: { "entries.$.lastAt": lastAt } },
  );
  if (matchedCount === 0) await add(db, alert, "standing");
}

/** Ends an alert, if nobody met it since it was read. */
export async function noteOver(db: Database, { kind, about, lastAt }: Alert): Promise<void> {
  await db.alerts.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about, lastAt } } },
    { $set: { "entries.$.state": "over" } },
  );
}

/** Remembers a gap between passes to be told of, which is over when it is noticed. Each is remembered once. */
export async function noteGap(db: Database, gap: Alert): Promise<void> {
  await add(db, gap, "over", { gapsUntil: gap.lastAt });
}

/** Adds an entry where there is none of its kind and about its subject. */
async function add(
  db: Database,
  alert: Alert,
  state: AlertState,
  fields: { gapsUntil?: Date } = {},
): Promise<void> {
  const { kind, about } = alert;
  const { gapsUntil } = fields;
  await db.alerts.updateOne(
    {
      ...ID,
      entries: { $not: { $elemMatch: { kind, about } } },
      ...(gapsUntil ? { $or: [{ gapsUntil: { $exists: false } }, { gapsUntil: { $lt: gapsUntil } }] } : {}),
    },
    {
      $push: { entries: { ...alert, state, told: null, tellingUntil: null } },
      ...(gapsUntil ? { $set: { gapsUntil } } : {}),
    },
  );
}

/** Whether people are still to be told of it, and nobody is just doing so. */
export function isToTell({ state, told, tellingUntil }: Entry, now: Date): boolean {
  return told !== state && (tellingUntil === null || tellingUntil < now);
}

/**
 * Takes the telling of an entry on, for half a minute.
 *
 * @returns whether it is this caller's: of several at once it is one's
 */
export async function takeTelling(db: Database, entry: Entry, now: Date): Promise<boolean> {
  const { kind, about, state, told, tellingUntil } = entry;
  const { modifiedCount } = await db.alerts.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about, state, told, tellingUntil } } },
    { $set: { "entries.$.tellingUntil": addSeconds(now, TELLING_SECONDS) } },
  );
  return modifiedCount === 1;
}

/** Notes that people were told of an entry's state; one that is over is then forgotten, unless it stands again. */
export async function noteTold(db: Database, { kind, about, state }: Entry): Promise<void> {
  if (state === "over") {
    const { modifiedCount } = await db.alerts.updateOne(ID, { $pull: { entries: { kind, about, state } } });
    if (modifiedCount === 1) return;
  }
  await db.alerts.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about } } },
    { $set: { "entries.$.told": state, "entries.$.tellingUntil": null } },
  );
}

/** Leaves the telling to a later pass, as nobody took it. */
export async function leaveTelling(db: Database, { kind, about }: Entry): Promise<void> {
  await db.alerts.updateOne(
    { ...ID, entries: { $elemMatch: { kind, about } } },
    { $set: { "entries.$.tellingUntil": null } },
  );
}

/** Remembers which sessions work. */
export async function rememberWorking(db: Database, working: string[]): Promise<void> {
  await db.alerts.updateOne(ID, { $set: { working } });
}
