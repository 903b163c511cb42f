import { createHash, timingSafeEqual } from "node:crypto";
import { type Config, parseConfig } from "../config.ts";
import { ConfigError } from "../errors.ts";
import { type Log, MinuteLimit } from "../log.ts";

/** What is wrong with a caller's credentials. Only the log says which; the caller is not told. */
export type AuthResult = "ok" | "missing" | "malformed" | "wrong";

/** RFC 6750: the scheme in any case, one or more spaces, and a token of visible characters. */
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/** RFC 7617: the scheme, and user and password in base64. */
const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i;

/** Checks an `Authorization` header whose token is the secret. */
export function checkBearer(header: string | null, secret: string): AuthResult {
  if (header === null) return "missing";
  const token = BEARER.exec(header)?.[1];
  return token === undefined ? "malformed" : compare(token, secret);
}

/**
 * Checks what a browser sends, too: the secret as the password of HTTP Basic, with any user name. Only for requests
 * that change nothing: a browser that knows a password sends it wherever a link leads.
 */
export function checkBasicOrBearer(header: string | null, secret: string): AuthResult {
  const encoded = header === null ? undefined : BASIC.exec(header)?.[1];
  if (encoded === undefined) return checkBearer(header, secret);
  const pair = Buffer.from(encoded, "base64").toString();
  const colon = pair.indexOf(":");
  return colon === -1 ? "malformed" : compare(pair.slice(colon + 1), secret);
}

/** Compares digests, so that the time it takes tells neither how much matched nor how long the secret is. */
function compare(given: string, secret: string): AuthResult {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(secret)) ? "ok" : "wrong";
}

/** The settings that hold a secret. */
type SecretSetting = "CRON_SECRET" | "STATUS_SECRET";

/** How a caller is admitted. */
export interface Admission {
  /** Holds the request's `Authorization` header against one secret. */
  check(header: string | null, secret: string): AuthResult;
  /** The settings any of which admits. */
  by: SecretSetting[];
}

/**
 * Gives the settings to a caller who knows a secret; undefined to any other.
 *
 * @throws ConfigError: to any caller if CRON_SECRET is not usable, and for another wrong setting only to those who
 *   know a secret
 */
export function admit(
  request: Request,
  env: NodeJS.ProcessEnv,
  log: Log,
  { check, by }: Admission,
): Config | undefined {
  const settings = readSettings(env);
  const wrong = settings instanceof ConfigError ? settings.problems.map(({ setting }) => setting) : [];
  if (settings instanceof ConfigError && wrong.includes("CRON_SECRET")) throw settings;
  const secrets = by.flatMap((name) => (wrong.includes(name) ? [] : env[name]?.trim() || []));
  const header = request.headers.get("authorization");
  const results = secrets.map((secret) => check(header, secret));
  if (!results.includes("ok")) {
    tellRefusal(log, results[0]);
    return undefined;
  }
  if (settings instanceof ConfigError) throw settings;
  return settings;
}

/** How many refused calls have a line each in a minute. */
const TOLD_A_MINUTE = 10;

const refusals = new MinuteLimit(TOLD_A_MINUTE);

/** Tells of a refused call in a line; of a flood of them in one a minute that counts. */
export function tellRefusal(log: Log, credentials: string | undefined): void {
  const logSuppressed = (count: number) =>
    log.warn({ count }, "more unauthorized calls, which had no line each");
  if (refusals.allows(logSuppressed)) log.warn({ credentials }, "unauthorized call");
}

function readSettings(env: NodeJS.ProcessEnv): Config | ConfigError {
  try {
    return parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
