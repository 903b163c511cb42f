import { isDeepStrictEqual } from "node:util";
import { type Document, type IndexDescription, type IndexDescriptionInfo, MongoServerError } from "mongodb";
import { CAMPAIGN_INDEXES } from "../../../lib/campaigns.ts";
import { addSeconds } from "../../../lib/clock.ts";
import type { Config } from "../../../lib/config.ts";
import { MAPPINGS } from "../../../lib/documents/mapping.ts";
import { dueFilter } from "../../../lib/messages/due.ts";
import { messageIndexes } from "../../../lib/messages/indexes.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import { listed } from "../../format.ts";
import { type Finding, ofCode, ok, problem, warning } from "../finding.ts";

/** The index that every pass rests on. */
const DUE = "scheduler_due";

/** Checks that the indexes exist, are what they should be, and that the search for what is due uses its own. */
export async function checkIndexes(db: Database, config: Config, now: Date): Promise<Finding[]> {
  const [ofMessages, ofCampaigns] = await Promise.all([
    compare(db, db.messages.collectionName, messageIndexes(MAPPINGS.plain.messages)),
    compare(db, db.campaigns.collectionName, CAMPAIGN_INDEXES),
  ]);
  const missing = [...ofMessages.missing, ...ofCampaigns.missing];
  const different = [...ofMessages.different, ...ofCampaigns.different];
  const findings: Finding[] = [];
  if (missing.length > 0)
    findings.push({
      ...ofCode("warning", "indexes", "indexes_missing", listed(missing)),
      message: `these do not exist, so passes read whole collections: ${listed(missing)} [indexes_missing]`,
      remedy: "The first pass creates them. If it can't: the commands are in docs/indexes.md",
    });
  if (different.length > 0)
    findings.push(
      problem(
        "indexes",
        `these have other keys, or another partial filter, than the scheduler's: ${listed(different)}`,
        "Drop them; the next pass of a new instance creates them as they should be",
      ),
    );
  if (findings.length === 0) findings.push(ok("indexes", "all exist, as they should be"));
  if (!missing.includes(DUE)) findings.push(await useOfDue(db, config, now));
  return findings;
}

async function compare(db: Database, collection: string, wanted: IndexDescription[]) {
  const existing = new Map((await indexesOf(db, collection)).map((index) => [index.name, index]));
  const missing = wanted.filter(({ name }) => !existing.has(name));
  const different = wanted.filter((index) => {
    const found = existing.get(index.name);
    return found && !isSame(index, found);
  });
  const names = (indexes: IndexDescription[]) => indexes.map(({ name }) => String(name));
  return { missing: names(missing), different: names(different) };
}

/** The server's code for a collection that does not exist. */
const NO_COLLECTION = 26;

/** None where there is no collection yet. */
async function indexesOf({ database }: Database, collection: string): Promise<IndexDescriptionInfo[]> {
  try {
    return await database.collection(collection).indexes();
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NO_COLLECTION) return [];
    throw error;
  }
}

/** The order of the keys matters, that of the filter's conditions does not. */
function isSame(wanted: IndexDescription, found: IndexDescriptionInfo): boolean {
  return (
    JSON.stringify(wanted.key) === JSON.stringify(found.key) &&
    isDeepStrictEqual(wanted.partialFilterExpression, found.partialFilterExpression)
  );
}

async function useOfDue(db: Database, { LOOKBACK_SECONDS }: Config, now: Date): Promise<Finding> {
  const due = dueFilter({ from: addSeconds(now, -LOOKBACK_SECONDS), to: now }, now);
  const plan = await db.messages.find(due).sort({ scheduledAt: 1 }).explain("queryPlanner");
  if (usesIndex(plan, DUE)) return ok("indexes", `the search for what is due uses ${DUE}`);
  return warning(
    "indexes",
    `the search for what is due does not use ${DUE}, so every pass reads more than it needs`,
    "Is the index hidden (collMod), or does a query setting (planCacheSetFilter) forbid it?",
  );
}

/** Whether the plan that won, on one server or on every shard, reads that index. */
function usesIndex(plan: Document, name: string): boolean {
  let found = false;
  JSON.stringify(plan, (key, value) => {
    // What the planner weighed and rejected is not what runs.
    if (key === "rejectedPlans") return undefined;
    if (key === "indexName" && value === name) found = true;
    return value;
  });
  return found;
}
