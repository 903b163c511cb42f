import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { AnyBulkWriteOperation, Document, FindOneOptions } from "mongodb";
import type { Database } from "../../mongo/client.ts";
import { isOfOneDocument } from "../../mongo/errors.ts";
import type { Summary } from "../report.ts";
import { type AlertsDocument, UNSENT } from "./alert.ts";

type Stored = AlertsDocument & { _id: "alerts" };

const ID = { _id: "alerts" } as const;

/** Reads what is remembered. What is missing, as in a document of an older version, is empty. */
export async function readAlerts(db: Database, limits: FindOneOptions = {}): Promise<AlertsDocument> {
  const found: Partial<Stored> = (await db.scheduler.findOne<Stored>(ID, limits)) ?? {};
  return {
    rev: found.rev ?? null,
    entries: (found.entries ?? []).map((entry) => ({ ...entry, claimedUntil: entry.claimedUntil ?? null })),
    working: found.working ?? [],
    seenAt: found.seenAt ?? null,
    unannounced: found.unannounced ?? {},
    gapsUntil: found.gapsUntil ?? null,
  };
}

/** Some twenty passes that end at once change the alerts one after the other. */
const MAX_TRIES = 20;

/** A majority read may lag a little behind the write that won, so a pass waits before it reads again. */
const MAX_PAUSE_MS = 50;

/** A later pass does what this one left. */
class AlertsContendedError extends Error {
  override readonly name = "AlertsContendedError";

  constructor() {
    super(`other passes changed the alerts first, ${MAX_TRIES} times`);
  }
}

/**
 * Changes the alerts: reads them, and replaces them if their `rev` is still as read. If it is not, another pass was
 * faster, and `change` is asked again with what that one left. Whatever changes the document raises `rev`, so no
 * pass overwrites what it has not read.
 *
 * @param change says what is to be remembered; pure, as it may be asked several times
 * @throws AlertsContendedError if other passes were faster each time
 */
export async function changeAlerts<Change extends { document: AlertsDocument }>(
  db: Database,
  change: (before: AlertsDocument) => Change,
): Promise<Change> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const before = await readAlerts(db);
    const changed = change(before);
    if (isDeepStrictEqual(changed.document, before)) return changed;
    if (await replaceIfUnchanged(db, before, changed.document)) return changed;
    await sleep(Math.random() * MAX_PAUSE_MS);
  }
  throw new AlertsContendedError();
}

/** Replaces the whole document, so that fields of an older version go. Makes one where there is none. */
async function replaceIfUnchanged(db: Database, { rev }: AlertsDocument, next: AlertsDocument) {
  try {
    // Null matches a document without the field, too.
    const { matchedCount, upsertedCount } = await db.scheduler.replaceOne(
      { ...ID, rev },
      { ...next, rev: (rev ?? 0) + 1 },
      { upsert: rev === null },
    );
    return matchedCount + upsertedCount === 1;
  } catch (error) {
    // Another pass has made the document, or given it its first `rev`.
    if (isOfOneDocument(error)) return false;
    throw error;
  }
}

/**
 * What each pass adds at its end, in the request that records it: when it looked at WAHA, and the messages that
 * people are to be told of. Should the pass die before it tells, they are still in `unannounced`, and the next pass
 * tells.
 *
 * This write has no guard, and loses nothing: each of its operators adds to what is there. It raises `rev` all the
 * same, and also where a pass counted nothing, so that a pass which read the document before and replaces it after
 * does not overwrite these counts or bring an older `seenAt` back: its replacement matches nothing, and it reads
 * again.
 */
export function addToAlerts(seenAt: Date, summary: Summary): AnyBulkWriteOperation<Stored> {
  const counted = UNSENT.filter((kind) => summary[kind] > 0);
  const unannounced = Object.fromEntries(counted.map((kind) => [`unannounced.${kind}`, summary[kind]]));
  const update = {
    $setOnInsert: { entries: [], working: [] },
    $max: { seenAt },
    $inc: { rev: 1, ...unannounced },
  };
  return { updateOne: { filter: ID, update, upsert: true } };
}

/**
 * Finds the document only if a pass may have news: an alert is remembered, messages are unannounced, or other
 * sessions work than those remembered.
 *
 * @param working their names, sorted; undefined if WAHA did not list its sessions
 */
export function mayHaveNews(working: string[] | undefined): Document {
  const otherSessions = working ? [{ working: { $ne: working } }] : [];
  return {
    ...ID,
    $or: [{ "entries.0": { $exists: true } }, { unannounced: { $nin: [null, {}] } }, ...otherSessions],
  };
}
