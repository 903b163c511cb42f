import { setTimeout as sleep } from "node:timers/promises";
import { readUpTo, withTimeout } from "../async.ts";
import { logLevel, parseConfig } from "../config.ts";
import { type Log, MinuteLimit, openLog } from "../log.ts";
import { recordReceipts } from "../messages/receipts.ts";
import { openDatabase } from "../mongo/client.ts";
import { asUnavailable } from "../mongo/errors.ts";
import { type MessageEvent, readEvent } from "../waha/events.ts";
import { tellRefusal } from "./auth.ts";
import { answer, explain } from "./respond.ts";
import { isSigned, readDigest } from "./signature.ts";

/** No event about a message is longer; one that is can't be read, and says so. */
const MAX_BYTES = 1024 * 1024;

/** WAHA repeats what is not answered; the platform ends this function after 15 s. */
const RECORD_MS = 10_000;

/**
 * Takes one webhook of WAHA's, and records what it says of a message. Nothing is parsed before the signature is
 * checked, and nothing is asked of the database for what is not about a message of ours. A replay does no harm, as a
 * receipt only rises.
 *
 * @param env the settings; see docs/configuration.md
 * @returns 200 also for what is signed and makes no sense: WAHA would only repeat it; 401; 404 without WAHA_WEBHOOK_KEY;
 *   405; 413; 500 naming wrong settings, for what would be recorded; 503 if the database is away: WAHA repeats it then
 */
export async function handleWebhook(request: Request, env: NodeJS.ProcessEnv): Promise<Response> {
  const key = env.WAHA_WEBHOOK_KEY?.trim();
  if (!key) return answer(404, { error: "not found" });
  if (request.method !== "POST") return answer(405, { error: "method not allowed" }, { Allow: "POST" });
  const log = openLog(logLevel(env));
  try {
    const digest = readDigest(request.headers);
    if (!digest) return unauthorized(log, "missing or malformed");
    const body = await readBody(request);
    if (!body) return answer(413, { error: "the body can't be read, or is longer than 1 MB" });
    if (!isSigned(body, digest, key)) return unauthorized(log, "wrong");
    const event = readEvent(parse(body));
    if (event) {
      const { receipt, session, waMessageId } = event;
      const isTaken = await withTimeout(record(env, event), RECORD_MS, "database_unreachable");
      const fields = { session, waMessageId, receipt };
      if (isTaken) log.debug(fields, "webhook");
      else log.warn({ ...fields, code: "database_refused" }, "a receipt was turned away by the database");
    }
    return answer(200, { ok: true });
  } catch (error) {
    const logSuppressed = (count: number) =>
      log.error({ count }, "more webhooks that failed, which had no line each");
    const told = failures.allows(logSuppressed) ? log : log.child({}, { level: "silent" });
    const { status, errors } = explain(asUnavailable(error), told);
    return answer(status, { ok: false, errors });
  }
}

/** While the database is away every event fails, and WAHA repeats it: so many have a line each in a minute. */
const TOLD_A_MINUTE = 10;
const failures = new MinuteLimit(TOLD_A_MINUTE);

function unauthorized(log: Log, signature: string): Response {
  tellRefusal(log, `${signature} signature`);
  return answer(401, { error: "unauthorized" });
}

/** The raw body; undefined if it is too long, or breaks off. */
async function readBody({ body, headers }: Request): Promise<Buffer | undefined> {
  if (Number(headers.get("content-length")) > MAX_BYTES) return undefined;
  return body ? readUpTo(MAX_BYTES, body) : Buffer.alloc(0);
}

/** Undefined for what is no JSON. */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** An event that waits for its turn. */
interface Waiting {
  event: MessageEvent;
  /** Whether the database took it. */
  resolve(isTaken: boolean): void;
  reject(error: unknown): void;
}

/** Far more than come until the next request. */
const MOST_AT_ONCE = 500;

/** After a request events are gathered for so long: a request for each would cost those that send more than the wait. */
const GATHER_MS = 250;

/** By the settings, which are the same object for the life of an instance. */
const queues = new WeakMap<NodeJS.ProcessEnv, Waiting[]>();

/**
 * Hands an event to the next request: one that comes alone goes out at once, those that come soon after it together. So
 * events never take more than one of the connections that passes need.
 *
 * @returns whether the database took it
 */
function record(env: NodeJS.ProcessEnv, event: MessageEvent): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const waiting = queues.get(env);
  if (waiting) waiting.push({ event, resolve, reject });
  else {
    const queue = [{ event, resolve, reject }];
    queues.set(env, queue);
    void writeAll(env, queue);
  }
  return promise;
}

/** Writes until nothing waits any more. */
async function writeAll(env: NodeJS.ProcessEnv, queue: Waiting[]): Promise<void> {
  while (queue.length > 0) {
    const batch = queue.splice(0, MOST_AT_ONCE);
    try {
      // Reading the settings takes longer than all else that is done for an event.
      const config = parseConfig(env);
      const db = openDatabase(config);
      await db.connect();
      const events = batch.map(({ event }) => event);
      const taken = await recordReceipts(db, events, config.WAHA_TIMEOUT_MS);
      batch.forEach(({ resolve }, index) => {
        resolve(taken[index] ?? false);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    if (queue.length < MOST_AT_ONCE) await sleep(GATHER_MS);
  }
  // In the same turn as the last look, so that none is left behind.
  queues.delete(env);
}
