import { createHash, timingSafeEqual } from "node:crypto";
import { type Config, parseConfig } from "../config.ts";
import { ConfigError } from "../errors.ts";
import type { Log } from "../log.ts";

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

/**
 * Gives the settings to a caller who knows the secret; undefined to any other.
 *
 * @param check holds the request's `Authorization` header against the secret
 * @throws ConfigError: to any caller if there is no usable secret, and for another wrong setting only to those who
 *   know the secret
 */
export function admit(
  request: Request,
  env: NodeJS.ProcessEnv,
  log: Log,
  check: (header: string | null, secret: string) => AuthResult,
): Config | undefined {
  const settings = readSettings(env);
  const isWrong = settings instanceof ConfigError;
  if (isWrong && settings.problems.some(({ setting }) => setting === "CRON_SECRET")) throw settings;
  const secret = isWrong ? (env.CRON_SECRET ?? "").trim() : settings.CRON_SECRET;
  const result = check(request.headers.get("authorization"), secret);
  if (result !== "ok") {
    log.warn({ credentials: result }, "unauthorized call");
    return undefined;
  }
  if (isWrong) throw settings;
  return settings;
}

function readSettings(env: NodeJS.ProcessEnv): Config | ConfigError {
  try {
    return parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
