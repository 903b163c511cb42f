import { Binary, ObjectId } from "mongodb";
import { type ChildLoggerOptions, type DestinationStream, pino } from "pino";
import { errorUrl, isProblemCode } from "./problems.ts";

/** What a line may say besides its message: ids, names, codes and counts. Never a text, a key or an address. */
export type LogFields = Record<string, string | number | boolean | object | null | undefined>;

/** The lines of one pass or request. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A log whose every line has these fields, too. */
  child(fields: LogFields, options?: ChildLoggerOptions): Log;
}

/**
 * Names under which a secret or a customer's words could slip into a line. They are not logged in the first
 * place; this is the second lock.
 */
const REDACTED = ["authorization", "content", "text", "body", "url", "key", "secret"].flatMap((name) => [
  name,
  `*.${name}`,
]);

/** One log a level for the whole instance. */
const logs = new Map<string, Log>();

/** Where the lines go, if a host does not want them on standard output. */
let destination: DestinationStream | undefined;

/** Has all further lines written to a stream of the host's, still as JSON. */
export function writeLogTo(stream: DestinationStream): void {
  destination = stream;
  logs.clear();
}

/** The log of JSON lines on standard output, written at once: a frozen function keeps no buffer. */
export function openLog(level: string): Log {
  const log = logs.get(level) ?? createLog(level);
  logs.set(level, log);
  return log;
}

function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: REDACTED,
      formatters: { log: withHelp },
    },
    escaping(destination ?? pino.destination({ fd: 1, sync: true })),
  );
}

/** What a terminal obeys (C1), or what turns or hides the rest of a line: JSON leaves it as it is. */
const OBEYED = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Writes such characters as JSON's escapes, which mean the same to a program. */
function escaping(to: DestinationStream): DestinationStream {
  const escaped = (sign: string) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return { write: (line) => to.write(line.replaceAll(OBEYED, escaped)) };
}

/** Names the page that explains the code of a line, if it has one. */
function withHelp(fields: { code?: unknown }): Record<string, unknown> {
  return isProblemCode(fields.code) ? { ...fields, help: errorUrl(fields.code) } : { ...fields };
}

/**
 * The log of one pass, whose every line has the pass's id. A summary holds the id, too: pino would write the key
 * twice, so the one in the call is left out.
 */
export function logOfPass(log: Log, passId: string): Log {
  const withoutId = ({ passId: _, ...fields }: { passId?: unknown }) => withHelp(fields);
  return log.child({ passId }, { formatters: { log: withoutId } });
}

/** Lines of one kind: the first so many are written, the others counted, so that no stranger or flood fills a disk. */
export class LineLimit {
  readonly #most: number;
  #lines = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts one more line; whether it may be written. */
  allows(): boolean {
    this.#lines += 1;
    return this.#lines <= this.#most;
  }

  /** Begins anew; gives how many lines were counted only. */
  restart(): number {
    const suppressed = Math.max(0, this.#lines - this.#most);
    this.#lines = 0;
    return suppressed;
  }
}

const MINUTE_MS = 60_000;

/** Lines of one kind, so many a minute; those that were counted only are told with the next minute's first. */
export class MinuteLimit {
  readonly #limit: LineLimit;
  #began = Number.NEGATIVE_INFINITY;

  constructor(most: number) {
    this.#limit = new LineLimit(most);
  }

  /**
   * Counts one more line; whether it may be written.
   *
   * @param logSuppressed writes how many had none in the minute before
   */
  allows(logSuppressed: (count: number) => void): boolean {
    const now = performance.now();
    if (now - this.#began >= MINUTE_MS) {
      this.#began = now;
      const count = this.#limit.restart();
      if (count > 0) logSuppressed(count);
    }
    return this.#limit.allows();
  }
}

/** How much of an id a log line shows. */
const SHOWN_ID = 100;

/**
 * An id as a log line may show it. An app may keep anything there, of any length: a whole document, say, with the
 * text that a message was made from.
 */
export function shownId(id: unknown): string | number | null {
  if (id === null || id === undefined) return null;
  if (typeof id === "number") return id;
  if (id instanceof ObjectId || id instanceof Binary) return id.toString("hex").slice(0, SHOWN_ID);
  return typeof id === "string" ? id.slice(0, SHOWN_ID) : "of a type that is not shown";
}

/** How many frames of a stack a log line shows. */
const FRAMES = 6;

/**
 * An error as a log may show it: names and codes along the chain of causes, and where it arose. Messages are
 * left out, since a driver's can hold an address and WAHA's the text that it failed to send.
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error };
  const { code, cause, stack = "" } = error as Error & { code?: unknown };
  // The stack begins with the message, which may itself have lines that look like frames.
  const begins = stack.indexOf(error.message);
  const afterMessage = begins < 0 ? "" : stack.slice(begins + error.message.length);
  const frames = afterMessage.split("\n").filter((line) => /^\s+at /.test(line));
  return {
    name: error.name,
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    at: frames.slice(0, FRAMES).map((line) => line.trim().slice(3)),
    ...(cause instanceof Error ? { cause: describeError(cause) } : {}),
  };
}
