import { isDeepStrictEqual } from "node:util";
import { waitUntil } from "@vercel/functions";
import { type Collection, type IndexDescription, type IndexDescriptionInfo, MongoServerError } from "mongodb";
import { UnavailableError } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import type { Stored } from "./client.ts";
import { asUnavailable } from "./errors.ts";

/** A collection, and the indexes that it is to have. */
export interface WantedIndexes {
  collection: Collection<Stored>;
  indexes: IndexDescription[];
}

/** An index that can't be made, and why. */
export interface MissingIndex {
  name: string;
  reason: string;
}

/** An index that vanished is to be there again within ten minutes, with a pass a minute. In milliseconds. */
const CHECK_MS = 540_000;

/** After a check that a lost connection ended. */
const RETRY_MS = 60_000;

/**
 * What one instance knows of the indexes of one app. Collections are never made: a collection gets its indexes once
 * it exists.
 */
export class IndexKeeper {
  /** Those that the last check could not make. */
  missing: readonly MissingIndex[] = [];
  readonly #wanted: WantedIndexes[];
  readonly #absent = new Set<string>();
  /** By the monotonic clock. */
  #nextAt = Number.NEGATIVE_INFINITY;
  #isUnderWay = false;

  constructor(wanted: WantedIndexes[]) {
    this.#wanted = wanted;
  }

  /**
   * Checks the indexes if that is due, and makes those that are not there. Nothing waits for it, and a refusal is a
   * warning.
   *
   * @param now the monotonic clock's reading
   */
  check(log: Log, now: number): void {
    if (this.#isUnderWay || now < this.#nextAt) return;
    this.#isUnderWay = true;
    // The platform may freeze the function once it has answered; this asks it to wait.
    waitUntil(
      this.#seeToAll(log).then((isDone) => {
        this.#nextAt = now + (isDone ? CHECK_MS : RETRY_MS);
        this.#isUnderWay = false;
      }),
    );
  }

  /** A pass has found something in a collection. If it did not exist at the last check, the next pass checks again. */
  noteExists(collection: Collection<Stored>): void {
    if (this.#absent.has(collection.collectionName)) this.#nextAt = Number.NEGATIVE_INFINITY;
  }

  /** Whether the check came to its end. */
  async #seeToAll(log: Log): Promise<boolean> {
    try {
      const missing = await Promise.all(this.#wanted.map((wanted) => this.#seeTo(wanted)));
      this.missing = missing.flat();
      if (this.missing.length > 0) log.warn({ indexes: this.missing }, "indexes could not be created");
      return true;
    } catch (error) {
      log.warn({ error: describeError(error) }, "the indexes were not checked to the end");
      return false;
    }
  }

  async #seeTo({ collection, indexes }: WantedIndexes): Promise<MissingIndex[]> {
    const { collectionName } = collection;
    try {
      const existing = await readIndexes(collection);
      if (existing) this.#absent.delete(collectionName);
      else this.#absent.add(collectionName);
      return existing ? await makeRight(collection, compareIndexes(indexes, existing)) : [];
    } catch (error) {
      // It is a view, or the user may not list the indexes.
      const reason = refusalOf(error);
      return indexes.map(({ name }) => ({ name: String(name), reason }));
    }
  }
}

/** One keeper an instance, by the collections and the indexes that they are to have. */
const keepers = new Map<string, IndexKeeper>();

/** What this instance knows of these indexes. */
export function indexKeeper(wanted: WantedIndexes[]): IndexKeeper {
  const key = JSON.stringify(wanted.map(({ collection, indexes }) => [collection.namespace, indexes]));
  const keeper = keepers.get(key) ?? new IndexKeeper(wanted);
  keepers.set(key, keeper);
  return keeper;
}

/** The server's codes for a collection and an index that do not exist. */
const NO_COLLECTION = 26;
const NO_INDEX = 27;

/** The indexes of a collection; undefined if it does not exist. */
export async function readIndexes(
  collection: Collection<Stored>,
): Promise<IndexDescriptionInfo[] | undefined> {
  try {
    return await collection.indexes();
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NO_COLLECTION) return undefined;
    throw error;
  }
}

/** How the indexes that a collection is to have differ from those that it has. */
export interface IndexDifference {
  /** To be created: no index, whatever its name, has its keys, its partial filter and the simple collation. */
  missing: IndexDescription[];
  /** The names of indexes to be dropped: those of the scheduler's that have other keys, filters or collations. */
  different: string[];
}

/** Compares the indexes of a collection with those that it is to have: by keys, partial filter and collation. */
export function compareIndexes(
  wanted: IndexDescription[],
  existing: IndexDescriptionInfo[],
): IndexDifference {
  // An index that names no collation gets its collection's. That of _id shows it; naming the simple one does no harm.
  const hasCollation = existing.some(({ collation }) => collation !== undefined);
  const missing = wanted.filter((index) => !existing.some((found) => serves(index, found)));
  return {
    missing: hasCollation ? missing.map((index) => ({ ...index, collation: SIMPLE })) : missing,
    different: wanted
      .filter((index) => existing.some((found) => found.name === index.name && !isSame(index, found)))
      .map(({ name }) => String(name)),
  };
}

const SIMPLE = { locale: "simple" };

/** Whether an index is the scheduler's own, or one of the app's that the server may use in its place. */
export function serves(wanted: IndexDescription, found: IndexDescriptionInfo): boolean {
  return isSame(wanted, found) && (found.name === wanted.name || found.hidden !== true);
}

/** The order of the keys matters, that of the filter's conditions does not. The simple collation is not listed. */
function isSame(wanted: IndexDescription, found: IndexDescriptionInfo): boolean {
  return (
    JSON.stringify(wanted.key) === JSON.stringify(found.key) &&
    isDeepStrictEqual(wanted.partialFilterExpression, found.partialFilterExpression) &&
    found.collation === undefined
  );
}

/** Drops what is different and creates what is missing, each by itself; gives those that can't be made. */
async function makeRight(
  collection: Collection<Stored>,
  { missing, different }: IndexDifference,
): Promise<MissingIndex[]> {
  const refused: MissingIndex[] = [];
  for (const name of different) {
    const reason = await refusal(() => dropIndex(collection, name));
    if (reason) refused.push({ name, reason: `an index of this name is to be dropped: ${reason}` });
  }
  const free = missing.filter((index) => !refused.some(({ name }) => name === index.name));
  return [...refused, ...(await createEach(collection, free))];
}

/** Another instance may have dropped it. */
async function dropIndex(collection: Collection<Stored>, name: string): Promise<void> {
  try {
    await collection.dropIndex(name);
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === NO_INDEX)) throw error;
  }
}

/** The server reads the collection once for all of them. One that it can't make stops the others, so then each is made by itself. */
async function createEach(
  collection: Collection<Stored>,
  indexes: IndexDescription[],
): Promise<MissingIndex[]> {
  if (indexes.length === 0 || !(await refusal(() => collection.createIndexes(indexes)))) return [];
  const refused: MissingIndex[] = [];
  for (const index of indexes) {
    const reason = await refusal(() => collection.createIndexes([index]));
    if (reason) refused.push({ name: String(index.name), reason });
  }
  return refused;
}

/** Why the server refuses an operation; undefined if it does not. */
async function refusal(operation: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await operation();
    return undefined;
  } catch (error) {
    return refusalOf(error);
  }
}

/** The server's codes for what keeps an index from being made. */
const REASONS = new Map<unknown, string>([
  [13, "the database's user may not do this"],
  [85, "another index with these keys is in its place"],
  [86, "another index has its name"],
  [166, "the collection is a view"],
  [171, "documents hold lists in two of its fields"],
]);

/**
 * Says why the server refuses an operation. Its own words may hold what documents hold, so only its codes are told.
 *
 * @throws the error itself if it is no refusal: the connection was lost, say
 */
function refusalOf(error: unknown): string {
  const reason = asUnavailable(error);
  if (!(reason instanceof UnavailableError && reason.code === "database_refused")) throw error;
  const { code, codeName } = error as MongoServerError;
  return REASONS.get(code) ?? String(codeName ?? code);
}
