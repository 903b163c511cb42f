import type { AnyBulkWriteOperation, Document, FindOneOptions } from "mongodb";
import type { Database } from "../../mongo/client.ts";
import type { ProblemCode } from "../../problems.ts";
import type { Summary } from "../report.ts";
import type { AlertState } from "./words.ts";

/** What an alert is about. Each kind is told once when it begins and once when it is over. */
export type AlertKind = "waha" | "database" | "session" | Unsent | "passes" | "defect";

/** What messages end as that did not go out, each of which is an alert. */
export const UNSENT = ["failed", "missed", "unknown"] as const;
export type Unsent = (typeof UNSENT)[number];

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
  /** When a pass that was recorded looked around WAHA last: what an earlier look showed is no news any more. */
  seenAt?: Date;
  /** Messages that passes counted and that have not become alerts yet, as each pass sees to behind its answer. */
  untold?: Partial<Record<Unsent, number>>;
  /** Gaps between passes that ended by then have become entries. */
  gapsUntil?: Date;
}

/** Finds the one document. */
export const ID = { _id: "alerts" } as const;
const NOTHING = { entries: [], working: [] };

/**
 * What each pass adds to the document, which it makes where there is none: when it looked around WAHA, and the
 * messages that people are to be told of. Should the pass not live to do that, a later one does.
 */
export function addToAlerts(seenAt: Date, summary: Summary): AnyBulkWriteOperation<AlertsDocument> {
  const counted = UNSENT.filter((kind) => summary[kind] > 0);
  const untold = Object.fromEntries(counted.map((kind) => [`untold.${kind}`, summary[kind]]));
  const update = { $setOnInsert: NOTHING, $max: { seenAt }, $inc: untold };
  return { updateOne: { filter: ID, update, upsert: true } };
}

/**
 * Finds the document only if a pass may be news: some alert is remembered, messages are to be told of, or other
 * sessions work than those remembered.
 *
 * @param working their names, sorted; undefined if WAHA did not say
 */
export function mayBeNews(working: string[] | undefined): Document {
  const other: Document[] = working ? [{ working: { $ne: working } }] : [];
  return { ...ID, $or: [{ "entries.0": { $exists: true } }, { untold: { $exists: true } }, ...other] };
}

/** Reads what is remembered. */
export async function readAlerts(db: Database, limits: FindOneOptions = {}): Promise<AlertsDocument> {
  return (await db.scheduler.findOne<AlertsDocument>(ID, limits)) ?? { ...ID, ...NOTHING };
}

/** An alert that begins now. */
export function begun(
  { about = "", ...alert }: Pick<Alert, "kind" | "code" | "message"> & { about?: string },
  now: Date,
): Alert {
  return { ...alert, about, since: now, lastAt: now };
}

type Key = Pick<Alert, "kind" | "about">;

/** Whether two are about the same thing, whatever they say of it. */
export function isSame(one: Key, other: Key): boolean {
  return one.kind === other.kind && one.about === other.about;
}

/** Whether what an alert says rests on a look around WAHA. */
export function isSeen(kind: AlertKind): boolean {
  return kind === "waha" || kind === "session";
}

/** Finds the document only if nobody looked around WAHA later. */
function notSeenLater(seenAt: Date): Document {
  return { ...ID, $or: [{ seenAt: { $exists: false } }, { seenAt: { $lte: seenAt } }] };
}

/** The document; for what a look around WAHA showed only if nobody looked later. */
function unlessOutdated(kind: AlertKind, seenAt: Date): Document {
  return isSeen(kind) ? notSeenLater(seenAt) : ID;
}

/** Makes an alert stand, or notes that one which stands was met again. One that was over stands again. */
export async function noteMet(db: Database, alert: Alert, seenAt: Date): Promise<void> {
  const { kind, about, code, message, lastAt } = alert;
  const { matchedCount } = await db.scheduler.updateOne(
    { ...unlessOutdated(kind, seenAt), entries: { $elemMatch: { kind, about } } },
    {
      $set: { "entries.$.state": "standing", "entries.$.code": code, "entries.$.message": message },
      $max: { "entries.$.lastAt": lastAt },
    },
  );
  if (matchedCount === 0) await add(db, alert, "standing", unlessOutdated(kind, seenAt));
}

/** Ends an alert, if nobody met it since it was read. */
export async function noteOver(db: Database, { kind, about, lastAt }: Alert, seenAt: Date): Promise<void> {
  await db.scheduler.updateOne(
    { ...unlessOutdated(kind, seenAt), entries: { $elemMatch: { kind, about, lastAt } } },
    { $set: { "entries.$.state": "over" } },
  );
}

/** Forgets an alert of which there is nothing more to tell, if nobody met it since it was read. */
export async function forget(db: Database, { kind, about, lastAt }: Alert): Promise<void> {
  await db.scheduler.updateOne(ID, { $pull: { entries: { kind, about, lastAt } } } as Document);
}

/** Remembers a gap between passes to be told of, which is over when it is noticed. Each is remembered once. */
export async function noteGap(db: Database, gap: Alert): Promise<void> {
  const gapsUntil = gap.lastAt;
  const isNew = { ...ID, $or: [{ gapsUntil: { $exists: false } }, { gapsUntil: { $lt: gapsUntil } }] };
  await add(db, gap, "over", isNew, { gapsUntil });
}

/**
 * Adds an entry where there is none of its kind and about its subject.
 *
 * @param where finds the document if it is to be added
 */
async function add(
  db: Database,
  alert: Alert,
  state: AlertState,
  where: Document,
  fields: { gapsUntil?: Date } = {},
): Promise<void> {
  const { kind, about } = alert;
  await db.scheduler.updateOne({ ...where, entries: { $not: { $elemMatch: { kind, about } } } }, {
    $push: { entries: { ...alert, state, told: null, tellingUntil: null } },
    $set: fields,
  } as Document);
}

/** Notes that messages have become alerts; where more came meanwhile, whoever brought them sees to all. */
export async function takeBackUntold(db: Database, untold: AlertsDocument["untold"]): Promise<void> {
  if (untold) await db.scheduler.updateOne({ ...ID, untold }, { $unset: { untold: "" } });
}

/** Remembers which sessions work, unless somebody looked later. */
export async function rememberWorking(db: Database, working: string[], seenAt: Date): Promise<void> {
  await db.scheduler.updateOne(notSeenLater(seenAt), { $set: { working } });
}
