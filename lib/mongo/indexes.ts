import { waitUntil } from "@vercel/functions";
import type { Collection, IndexDescription } from "mongodb";
import { UnavailableError } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import type { Stored } from "./client.ts";
import { asUnavailable } from "./errors.ts";

/** A collection, and the indexes that it is to have. */
export interface WantedIndexes {
  collection: Collection<Stored>;
  indexes: IndexDescription[];
}

type IndexState = "unknown" | "creating" | "ready" | "refused";

/** What is known of the indexes, by the first collection: once an instance. */
const states = new Map<string, IndexState>();

/**
 * Sees to the indexes beside the pass, once an instance. Nothing waits for it, and a refusal is a warning.
 *
 * @returns false if the database refused to create them, as far as is known by now
 */
export function ensureIndexes(wanted: WantedIndexes[], log: Log): boolean {
  const key = wanted[0]?.collection.namespace ?? "";
  const state = states.get(key) ?? "unknown";
  if (state === "unknown") {
    states.set(key, "creating");
    // The platform may freeze the function once it has answered; this asks it to wait.
    waitUntil(createIndexes(wanted, log).then((next) => states.set(key, next)));
  }
  return state !== "refused";
}

async function createIndexes(wanted: WantedIndexes[], log: Log): Promise<IndexState> {
  try {
    await Promise.all(wanted.map(({ collection, indexes }) => collection.createIndexes(indexes)));
    return "ready";
  } catch (error) {
    log.warn({ error: describeError(error) }, "indexes not created by this instance");
    // A refusal stays one for this instance; after a lost connection the next pass tries again.
    const reason = asUnavailable(error);
    if (reason instanceof UnavailableError && reason.code !== "database_refused") return "unknown";
    return (await allExist(wanted).catch(() => false)) ? "ready" : "refused";
  }
}

/** Whether all of them exist by name, whatever has created them. */
async function allExist(wanted: WantedIndexes[]): Promise<boolean> {
  const found = await Promise.all(wanted.map(({ collection }) => collection.indexes()));
  const names = new Set(found.flat().map((index) => index.name));
  return wanted.flatMap(({ indexes }) => indexes).every((index) => names.has(index.name ?? ""));
}
