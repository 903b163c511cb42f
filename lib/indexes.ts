import { waitUntil } from "@vercel/functions";
import type { IndexDescription } from "mongodb";
import { OPEN_CAMPAIGN } from "./campaigns.ts";
import { asUnavailable, type Database } from "./db.ts";
import { UnavailableError } from "./errors.ts";
import { describeError, type Log } from "./log.ts";
import { PICKED_ELSEWHERE, PICKED_SINCE_RELEASED, WRONG_DATE } from "./messages/audit.ts";
import { LIVE } from "./messages/due.ts";
import { AWAITING_LOOKUP } from "./messages/lookups.ts";
import { CLAIMED } from "./messages/rescue.ts";

/**
 * The indexes, each beside the query that needs it (the partial filter is that query's own constant). But
 * for the campaigns' count, each holds only what is still to be worked on, so they stay small for ever.
 */
export const MESSAGE_INDEXES: IndexDescription[] = [
  { name: "scheduler_due", key: { scheduledAt: 1 }, partialFilterExpression: LIVE },
  { name: "scheduler_claimed", key: { "delivery.claimExpiresAt": 1 }, partialFilterExpression: CLAIMED },
  {
    name: "scheduler_lookups",
    key: { "delivery.nextLookupAt": 1 },
    partialFilterExpression: AWAITING_LOOKUP,
  },
  {
    name: "scheduler_campaign",
    key: { campaignId: 1, isDeleted: 1, isSent: 1, isPicked: 1, "delivery.state": 1 },
  },
  // The audit's: each is empty as long as every document is as it should be.
  { name: "scheduler_no_is_sent", key: { isSent: 1 }, partialFilterExpression: { isSent: null } },
  { name: "scheduler_no_is_deleted", key: { isDeleted: 1 }, partialFilterExpression: { isDeleted: null } },
  { name: "scheduler_no_is_picked", key: { isPicked: 1 }, partialFilterExpression: { isPicked: null } },
  { name: "scheduler_wrong_date", key: { scheduledAt: 1, isPicked: 1 }, partialFilterExpression: WRONG_DATE },
  {
    name: "scheduler_elsewhere",
    key: { isPicked: 1, delivery: 1 },
    partialFilterExpression: PICKED_ELSEWHERE,
  },
  {
    name: "scheduler_elsewhere_released",
    key: { isPicked: 1, "delivery.state": 1 },
    partialFilterExpression: PICKED_SINCE_RELEASED,
  },
];

export const CAMPAIGN_INDEXES: IndexDescription[] = [
  { name: "scheduler_open", key: { "delivery.checkedAt": 1 }, partialFilterExpression: OPEN_CAMPAIGN },
];

type IndexState = "unknown" | "creating" | "ready" | "refused";

/** What is known of the indexes, by database: once an instance. */
const states = new Map<string, IndexState>();

/**
 * Sees to the indexes beside the pass, once an instance. Never in its way: nothing waits for it, and a
 * refusal is a warning.
 *
 * @returns false if the database refused to create them, as far as is known by now
 */
export function ensureIndexes(db: Database, log: Log): boolean {
  const key = db.messages.namespace;
  const state = states.get(key) ?? "unknown";
  if (state === "unknown") {
    states.set(key, "creating");
    // The platform may freeze the function once it has answered; this asks it to wait.
    waitUntil(createIndexes(db, log).then((next) => states.set(key, next)));
  }
  return state !== "refused";
}

async function createIndexes(db: Database, log: Log): Promise<IndexState> {
  try {
    await Promise.all([
      db.messages.createIndexes(MESSAGE_INDEXES),
      db.campaigns.createIndexes(CAMPAIGN_INDEXES),
    ]);
    return "ready";
  } catch (error) {
    log.warn({ error: describeError(error) }, "indexes not created by this instance");
    // A refusal stays one for this instance; after a lost connection the next pass tries again.
    const reason = asUnavailable(error);
    if (reason instanceof UnavailableError && reason.code !== "database_refused") return "unknown";
    return (await allExist(db).catch(() => false)) ? "ready" : "refused";
  }
}

/** Whether somebody else has created them all, by name. */
async function allExist(db: Database): Promise<boolean> {
  const found = await Promise.all([db.messages.indexes(), db.campaigns.indexes()]);
  const names = new Set(found.flat().map((index) => index.name));
  return [...MESSAGE_INDEXES, ...CAMPAIGN_INDEXES].every((index) => names.has(index.name));
}
