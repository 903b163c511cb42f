import type { Collection, IndexDescription } from "mongodb";
import { inBackground } from "../async.ts";
import { describeError, type Log } from "../log.ts";
import type { Stored } from "./client.ts";
import { compareIndexes, readIndexes } from "./compare-indexes.ts";
import { type MissingIndex, makeRight, refusalOf } from "./make-indexes.ts";

/** A collection, and the indexes that it is to have. */
export interface WantedIndexes {
  collection: Collection<Stored>;
  indexes: IndexDescription[];
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
   * @param pass ends with the pass: the server ends a query whose index is dropped, so nothing is dropped before
   */
  check(log: Log, now: number, pass: Promise<unknown>): void {
    if (this.#isUnderWay || now < this.#nextAt) return;
    this.#isUnderWay = true;
    inBackground(
      this.#seeToAll(log, pass).then((isDone) => {
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
  async #seeToAll(log: Log, pass: Promise<unknown>): Promise<boolean> {
    try {
      const missing = await Promise.all(this.#wanted.map((wanted) => this.#seeTo(wanted, pass)));
      this.missing = missing.flat();
      if (this.missing.length > 0) log.warn({ indexes: this.missing }, "indexes could not be created");
      return true;
    } catch (error) {
      log.warn({ error: describeError(error) }, "the indexes were not checked to the end");
      return false;
    }
  }

  async #seeTo({ collection, indexes }: WantedIndexes, pass: Promise<unknown>): Promise<MissingIndex[]> {
    const { collectionName } = collection;
    try {
      const existing = await readIndexes(collection);
      if (existing) this.#absent.delete(collectionName);
      else this.#absent.add(collectionName);
      return existing ? await makeRight(collection, compareIndexes(indexes, existing), pass) : [];
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
