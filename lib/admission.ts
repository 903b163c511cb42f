import type { AuthResult } from "./auth.ts";
import { type Config, parseConfig } from "./config.ts";
import { ConfigError } from "./errors.ts";
import type { Log } from "./log.ts";

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
