import { withTimeout } from "../async.ts";
import { type Config, logLevel } from "../config.ts";
import { ConfigError } from "../errors.ts";
import { type Log, openLog } from "../log.ts";
import { recordReceipt } from "../messages/receipts.ts";
import { openDatabase } from "../mongo/client.ts";
import { asUnavailable } from "../mongo/errors.ts";
import { type MessageEvent, readEvent } from "../waha/events.ts";
import { settingsBehind, tellRefusal } from "./auth.ts";
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
 *   405; 413; 500 naming wrong settings; 503 if the database is away: WAHA repeats it then
 */
export async function handleWebhook(request: Request, env: NodeJS.ProcessEnv): Promise<Response> {
  const key = env.WAHA_WEBHOOK_KEY?.trim();
  if (!key) return answer(404, { error: "not found" });
  if (request.method !== "POST") return answer(405, { error: "method not allowed" }, { Allow: "POST" });
  const log = openLog(logLevel(env));
  try {
    const settings = settingsBehind("WAHA_WEBHOOK_KEY", env);
    const digest = readDigest(request.headers);
    if (!digest) return unauthorized(log, "missing or malformed");
    const body = await readBody(request);
    if (!body) return answer(413, { error: "the body can't be read, or is longer than 1 MB" });
    if (!isSigned(body, digest, key)) return unauthorized(log, "wrong");
    if (settings instanceof ConfigError) throw settings;
    const event = readEvent(parse(body));
    if (event) await withTimeout(record(settings, log, event), RECORD_MS, "database_unreachable");
    return answer(200, { ok: true });
  } catch (error) {
    const { status, errors } = explain(asUnavailable(error), log);
    return answer(status, { ok: false, errors });
  }
}

function unauthorized(log: Log, signature: string): Response {
  tellRefusal(log, `${signature} signature`);
  return answer(401, { error: "unauthorized" });
}

/** The raw body; undefined if it is too long, or breaks off. */
async function readBody({ body, headers }: Request): Promise<Buffer | undefined> {
  if (Number(headers.get("content-length")) > MAX_BYTES) return undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body ?? []) {
      length += chunk.length;
      if (length > MAX_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

/** Undefined for what is no JSON. */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

async function record(config: Config, log: Log, event: MessageEvent): Promise<void> {
  const db = openDatabase(config);
  await db.connect();
  const recorded = await recordReceipt(db, event, config.WAHA_TIMEOUT_MS);
  const { receipt, session, waMessageId } = event;
  if (recorded === "rejected")
    log.warn({ code: "database_refused", session, waMessageId }, "a receipt was turned away by the database");
  else log.debug({ session, waMessageId, receipt, recorded }, "webhook");
}
