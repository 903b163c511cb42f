import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  type WriteError,
} from "mongodb";
import { UnavailableError } from "../errors.ts";
import type { ProblemCode } from "../problems.ts";

/**
 * Answers of a server that can't serve just now, by code: no primary, stepping or shutting down, a network in trouble
 * (MongoDB's error codes, those that the drivers retry on).
 */
const RETRIED_CODES: ReadonlySet<unknown> = new Set([
  6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);

/**
 * These, and: a write concern that timed out or can't be met (64, 100), a write conflict (112), a read that can't be
 * served yet (133, 134), an index that was dropped under a query (175).
 */
const PASSING_CODES: ReadonlySet<unknown> = new Set([...RETRIED_CODES, 64, 100, 112, 133, 134, 175]);

/** MongoDB's code for what it gave up since it took longer than `maxTimeMS`. */
const TOOK_TOO_LONG = 50;

/** Whether the database gave something up because it took too long: it is there, but slow. */
function isTooSlow(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === TOOK_TOO_LONG;
}

/** What a search found; null where it took the database too long, so that the rest is told all the same. */
export async function unlessSlow<T>(search: Promise<T>): Promise<T | null> {
  try {
    return await search;
  } catch (error) {
    if (isTooSlow(error)) return null;
    throw error;
  }
}

/**
 * Says of an error from the driver what it means for a pass; any other error is given back as it is.
 */
export function asUnavailable(error: unknown): unknown {
  if (isTooSlow(error)) return new UnavailableError("database_slow", { cause: error });
  if (isRefusal(error)) return unavailable("database_refused", error);
  return error instanceof MongoError ? unavailable("database_unreachable", error) : error;
}

/**
 * The server answered, and it refuses this for longer than a moment. A bulk of writes dresses whatever happened to it as an error
 * of the server's: a connection that was lost has no code there (mongodb 7.9, MongoBulkWriteError).
 */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof MongoServerError) || isTooSlow(error)) return false;
  return error.code !== undefined && !isPassing(error.code);
}

/** Whether the server answered by this code that it can't serve just now. */
export function isPassing(code: unknown): boolean {
  return PASSING_CODES.has(code);
}

/**
 * Whether a bulk of writes that failed may be made once more, as the driver does with writes that it repeats itself: a
 * connection was lost, or another server may be the primary. A router of a sharded cluster tells that of each write.
 */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError)) return false;
  const codes = [error.code, ...writeErrorsOf(error).map(({ code }) => code)];
  // The driver keeps what happened to a bulk there, whatever it was (mongodb 7.9, MongoBulkWriteError).
  const cause: unknown = error.errorResponse;
  return cause instanceof MongoNetworkError || codes.some((code) => RETRIED_CODES.has(code));
}

export function unavailable(code: ProblemCode, cause?: unknown): UnavailableError {
  const detail = whyNoPrimary(cause) ?? causeOf(cause);
  return new UnavailableError(code, { cause, ...(detail === undefined ? {} : { detail }) });
}

/** What the driver calls servers of a set that are not its primary (mongodb 7.9, `ServerType`). */
const NOT_PRIMARY = new Set<unknown>(["RSSecondary", "RSArbiter", "RSOther"]);

/** Why no server could be selected though one answers: the driver gives what it saw of each as the reason. */
function whyNoPrimary(error: unknown): string | undefined {
  const { servers } = (error instanceof MongoServerSelectionError && error.reason) || {};
  const types = [...(servers?.values() ?? [])].map(({ type }) => type);
  if (types.includes("RSGhost"))
    return "a server answers, and is in no replica set yet: run rs.initiate() on it once";
  return types.some((type) => NOT_PRIMARY.has(type))
    ? "a server answers, and none is the primary"
    : undefined;
}

/** How deep an error's causes are looked at. */
const MOST_CAUSES = 8;

/** The system's or the server's own word for what is wrong (ENOTFOUND, AuthenticationFailed), which holds no secret. */
function causeOf(error: unknown): string | undefined {
  let link = error;
  let word: string | undefined;
  for (let depth = 0; depth < MOST_CAUSES && link instanceof Error; depth += 1) {
    const { code, codeName } = link as { code?: unknown; codeName?: unknown };
    const own = [codeName, code].find((each) => typeof each === "string" && WORD.test(each));
    if (typeof own === "string") word = own;
    link = link.cause;
  }
  return word;
}

const WORD = /^[A-Za-z_][A-Za-z0-9_]{2,60}$/;

/**
 * The server's codes for what is wrong with one document alone: a validation rule of its collection turns it away
 * (an old one, that the rule came after), a unique index of the app's does (one running campaign a session, say), or
 * it would be longer than 16 MB (two codes, by the server's age).
 */
const OF_ONE_DOCUMENT = new Set<unknown>([121, 11000, 17419, 10334]);

/** Whether the database turned one document away, and has nothing against others. */
export function isOfOneDocument(error: unknown): boolean {
  return error instanceof MongoServerError && OF_ONE_DOCUMENT.has(error.code);
}

/** The errors of those writes of a bulk that the server turned away; none if something else ended it. */
export function writeErrorsOf(error: unknown): WriteError[] {
  return error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
}

/**
 * The places of those writes of a bulk that were turned away, each for its own document.
 *
 * @throws the error itself if it is anything else
 */
export function rejectedIn(error: unknown): Set<number> {
  const errors = writeErrorsOf(error);
  if (errors.length === 0 || errors.some(({ code }) => !OF_ONE_DOCUMENT.has(code))) throw error;
  return new Set(errors.map(({ index }) => index));
}
