import { createHash, timingSafeEqual } from "node:crypto";
import { type Config, parseConfig } from "../config.ts";
import { ConfigError } from "../errors.ts";
import type { Log } from "../log.ts";

/**
 * The settings, for a caller who knows the secret; undefined for anybody else.
 *
 * @param check holds the request's `Authorization` header against the secret
 * @throws ConfigError to anybody if there is no usable secret, to those who know it if another setting is wrong
 */
export function admit(
  request: Request,
  env: NodeJS.ProcessEnv,
  log: Log,
  check: (header: string | null, secret: string) => AuthResult,
): Config | undefined {
  const { config, problem } = readSettings(env);
  if (problem?.problems.some(({ setting }) => setting === "CRON_SECRET")) throw problem;
  const secret = config?.CRON_SECRET ?? env.CRON_SECRET?.trim() ?? "";
  const result = check(request.headers.get("authorization"), secret);
  if (result !== "ok") {
    log.warn({ credentials: result }, "unauthorized call");
    return undefined;
  }
  if (problem) throw problem;
  return config;
}

type SettingsResult = { config: Config; problem?: undefined } | { config?: undefined; problem: ConfigError };

function readSettings(env: NodeJS.ProcessEnv): SettingsResult {
  try {
    return { config: parseConfig(env) };
  } catch (error) {
    if (error instanceof ConfigError) return { problem: error };
    throw error;
  }
}

/** What is wrong with a caller's credentials; for the log only, the caller is told nothing. */
export type AuthResult = "ok" | "missing" | "malformed" | "wrong";

/** RFC 6750: the scheme in any case, one or more spaces, a token of RFC 7235's token68 or any other visible characters. */
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/**
 * Checks an `Authorization` header against the secret. The secrets are compared as digests, so the time it
 * takes tells neither how much matched nor how long the secret is.
 */
export function checkBearer(header: string | null, secret: string): AuthResult {
  if (header === null) return "missing";
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) return "malformed";
  return timingSafeEqual(digest(token), digest(secret)) ? "ok" : "wrong";
}

/** RFC 7617: the scheme, and user and password in base64. */
const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i;

/**
 * Checks what a browser sends, too: the secret as the password of HTTP Basic, with any user name. Only for what
 * changes nothing: a browser that knows a password sends it along wherever a link leads.
 */
export function checkBasicOrBearer(header: string | null, secret: string): AuthResult {
  const encoded = header === null ? undefined : BASIC.exec(header)?.[1];
  if (encoded === undefined) return checkBearer(header, secret);
  const pair = Buffer.from(encoded, "base64").toString();
  const colon = pair.indexOf(":");
  if (colon === -1) return "malformed";
  return timingSafeEqual(digest(pair.slice(colon + 1)), digest(secret)) ? "ok" : "wrong";
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
