import type { Document } from "mongodb";
import { addSeconds } from "../../../lib/clock.ts";
import type { Config } from "../../../lib/config.ts";
import { dueFilter } from "../../../lib/messages/due.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import { compareIndexes, readIndexes, serves } from "../../../lib/mongo/compare-indexes.ts";
import type { WantedIndexes } from "../../../lib/mongo/indexes.ts";
import { readLastPass } from "../../../lib/monitoring/record.ts";
import { wantedIndexes } from "../../../lib/pass/housekeeping.ts";
import { listed } from "../../format.ts";
import { type Finding, ofCode, ok, warning } from "../finding.ts";

/** The index that every pass rests on. */
const DUE = "scheduler_due";

/** Checks that the indexes exist, are what they should be, and that the search for what is due uses its own. */
export async function checkIndexes(db: Database, config: Config, now: Date): Promise<Finding[]> {
  const wanted = wantedIndexes(db);
  const compared = await Promise.all(wanted.map(compare));
  const different = compared.flatMap((each) => each.different);
  const missing = compared.flatMap((each) => each.missing).filter((name) => !different.includes(name));
  const findings: Finding[] = [];
  if (missing.length > 0 && !(await readLastPass(db)))
    findings.push(ok("indexes", `the first pass creates ${listed(missing)}`));
  else if (missing.length > 0)
    findings.push({
      ...ofCode("warning", "indexes", "indexes_missing", listed(missing)),
      message: `these do not exist, so passes read whole collections: ${listed(missing)} [indexes_missing]`,
      remedy:
        "Passes create them within ten minutes. If they can't, the log says why; the commands are in docs/indexes.md",
    });
  if (different.length > 0)
    findings.push(
      warning(
        "indexes",
        `these have other keys, another partial filter or another collation than the scheduler's: ${listed(different)}`,
        "Passes replace them within ten minutes. If they can't, the log says why. Drop them by hand then",
      ),
    );
  if (findings.length === 0) findings.push(ok("indexes", tellSound(compared)));
  const ofDue = compared.flatMap(({ due }) => due);
  if (ofDue.length > 0) findings.push(await useOfDue(db, config, now, ofDue));
  return findings;
}

interface Compared {
  collection: string;
  exists: boolean;
  missing: string[];
  different: string[];
  /** The names of those that may serve the search for what is due. */
  due: string[];
}

async function compare({ collection, indexes }: WantedIndexes): Promise<Compared> {
  const { collectionName } = collection;
  const existing = await readIndexes(collection);
  if (!existing) return { collection: collectionName, exists: false, missing: [], different: [], due: [] };
  const { missing, different } = compareIndexes(indexes, existing);
  const due = indexes.find(({ name }) => name === DUE);
  const ofDue = existing.filter((found) => due && serves(due, found));
  return {
    collection: collectionName,
    exists: true,
    missing: missing.map(({ name }) => String(name)),
    different,
    due: ofDue.map(({ name }) => String(name)),
  };
}

function tellSound(compared: Compared[]): string {
  const absent = compared.filter(({ exists }) => !exists).map(({ collection }) => collection);
  if (absent.length === 0) return "all exist, as they should be";
  const rest = absent.length < compared.length ? "; the others are as they should be" : "";
  const once = absent.length > 1 ? "they exist" : "it exists";
  return `passes create those of ${absent.join(" and ")} once ${once}${rest}`;
}

async function useOfDue(
  db: Database,
  { LOOKBACK_SECONDS }: Config,
  now: Date,
  names: string[],
): Promise<Finding> {
  const due = dueFilter({ from: addSeconds(now, -LOOKBACK_SECONDS), to: now }, now);
  const plan = await db.messages.find(due).sort({ scheduledAt: 1 }).explain("queryPlanner");
  if (usesOne(plan, names)) return ok("indexes", `the search for what is due uses ${listed(names)}`);
  return warning(
    "indexes",
    `the search for what is due does not use ${listed(names)}, so every pass reads more than it needs`,
    "Is the index hidden (collMod), or does a query setting (planCacheSetFilter) forbid it?",
  );
}

/** Whether the plan that won, on one server or on every shard, reads one of these indexes. */
function usesOne(plan: Document, names: string[]): boolean {
  let found = false;
  JSON.stringify(plan, (key, value) => {
    // What the planner weighed and rejected is not what runs.
    if (key === "rejectedPlans") return undefined;
    if (key === "indexName" && names.includes(value)) found = true;
    return value;
  });
  return found;
}
