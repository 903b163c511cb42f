import { type Collection, type IndexDescription, MongoServerError } from "mongodb";
import { UnavailableError } from "../errors.ts";
import type { Stored } from "./client.ts";
import type { IndexDifference } from "./compare-indexes.ts";
import { asUnavailable } from "./errors.ts";

/** An index that can't be made, and why. */
export interface MissingIndex {
  name: string;
  reason: string;
}

/** Creates what is missing and replaces what is different, each by itself; gives those that can't be made. */
export async function makeRight(
  collection: Collection<Stored>,
  { missing, different }: IndexDifference,
  pass: Promise<unknown>,
): Promise<MissingIndex[]> {
  const { now = [], later = [] } = Object.groupBy(missing, ({ name }) =>
    different.includes(String(name)) ? "later" : "now",
  );
  const refused = await createEach(collection, now);
  if (different.length === 0) return refused;
  await pass.catch(() => {});
  for (const name of different) {
    const reason = await refusal(() => dropIndex(collection, name));
    if (reason) refused.push({ name, reason: `an index of this name is to be dropped: ${reason}` });
  }
  const free = later.filter((index) => !refused.some(({ name }) => name === index.name));
  return [...refused, ...(await createEach(collection, free))];
}

/** The server's code for an index that does not exist. */
const NO_INDEX = 27;

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
export function refusalOf(error: unknown): string {
  const reason = asUnavailable(error);
  if (!(reason instanceof UnavailableError && reason.code === "database_refused")) throw error;
  const { code, codeName } = error as MongoServerError;
  return REASONS.get(code) ?? String(codeName ?? code);
}
