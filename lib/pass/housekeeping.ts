import { CAMPAIGN_INDEXES, openCampaigns } from "../campaigns.ts";
import { addSeconds } from "../clock.ts";
import { SWEPT_SECONDS } from "../config.ts";
import { describeError, shownId } from "../log.ts";
import { findExpiredClaims, rescueExpiredClaims } from "../messages/claims.ts";
import { messageIndexes } from "../messages/indexes.ts";
import type { Database } from "../mongo/client.ts";
import { isRefusal, unlessSlow } from "../mongo/errors.ts";
import type { Id } from "../mongo/ids.ts";
import type { IndexKeeper, WantedIndexes } from "../mongo/indexes.ts";
import { auditMessages } from "../monitoring/audit.ts";
import type { Pass } from "./pass.ts";

/** How long counting the messages that no pass sees may take, in milliseconds; no other step waits for it. */
const AUDIT_MS = 5_000;

/** Counts what no pass sees. Nothing is sent by it, so a database that is too slow for it fails no pass. */
export async function audit({ clock, db, log, stats }: Pass): Promise<void> {
  const leftAlone = addSeconds(clock.now(), -SWEPT_SECONDS);
  const findings = await unlessSlow(auditMessages(db, leftAlone, { maxTimeMS: AUDIT_MS }));
  for (const [code, { count }] of findings ?? []) stats.problem(code, count);
  if (findings) return;
  stats.problem("database_slow");
  log.warn({}, "messages that are never seen were not counted: it took too long");
}

/** The app's collections that have indexes of the scheduler's. */
export function wantedIndexes({ campaigns, documents, messages }: Database): WantedIndexes[] {
  return [
    { collection: messages, indexes: messageIndexes(documents.messages) },
    { collection: campaigns, indexes: CAMPAIGN_INDEXES },
  ];
}

/** Tells of the indexes that can't be made, as far as is known by now. */
export function noteIndexes({ db, stats }: Pass, indexes: IndexKeeper): void {
  for (const { name } of indexes.missing) stats.problem("indexes_missing", 1, name);
  if (stats.hasSeenMessages) indexes.noteExists(db.messages);
}

/**
 * Opens the campaigns that messages name, before anything of these settles.
 *
 * @returns whether that could be: the database may refuse every write to campaigns, as it does for a view or where its
 * user may only read them
 */
export async function openCampaignsOf(pass: Pass, messages: { campaignId?: Id | null }[]): Promise<boolean> {
  const { db, log, stats } = pass;
  const named = messages.map(({ campaignId }) => campaignId).filter((id) => id !== undefined && id !== null);
  if (named.length > 0) stats.openings += 1;
  try {
    noteTurnedAway(pass, await openCampaigns(db, named), "campaigns");
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    stats.lasting("database_refused", 1);
    log.warn({ error: describeError(error) }, "campaigns can't be written");
    return false;
  }
}

/** Levels at which the log follows each message by its id. */
const TELLS_ALL: ReadonlySet<string> = new Set(["debug", "trace"]);

/**
 * Gives back what another pass claimed and did not live to send; returns how many. One that lives gets a moment to give
 * its own back; it ends before the lease that covers the claims.
 */
export async function rescue(pass: Pass): Promise<number> {
  const { clock, config, db, id, lifetimes, log, stats } = pass;
  const now = clock.now();
  const expiredBy = addSeconds(now, -lifetimes.marginMs / 1000);
  // Asked before: the survey beside may write another reason over it at once.
  const followed = TELLS_ALL.has(config.LOG_LEVEL) ? await findExpiredClaims(db, id, expiredBy) : [];
  const { changed: count, rejected } = await rescueExpiredClaims(db, id, expiredBy, now);
  stats.lasting("database_refused", rejected);
  if (rejected > 0) log.warn({ count: rejected }, "expired claims that the database does not let go");
  if (count === 0) return count;
  stats.add("rescued", count);
  stats.problem("pass_died", count);
  log.warn({ count }, "claims of a pass that died were given back");
  for (const _id of followed)
    log.debug({ messageId: shownId(_id) }, "given back: the pass that had claimed it died");
  return count;
}

/** Tells of documents that the database turned away, each by itself: by a validation rule, or for their length. */
export function noteTurnedAway({ log, stats }: Pass, count: number, collection: string): void {
  if (count === 0) return;
  stats.lasting("database_refused", count, collection);
  log.warn({ count, collection }, "documents were turned away by the database");
}
