import { z } from "zod";
import { type Config, parseConfig, parseSettings, quietSeconds } from "../../lib/config.ts";
import { ConfigError, type SettingProblem } from "../../lib/errors.ts";
import { openDatabase } from "../../lib/mongo/client.ts";
import vercel from "../../vercel.json" with { type: "json" };
import type { Schedule } from "./pass-timer.ts";

/** They may be taken out, as the docs say, where something else calls the function. */
const { crons = [] }: { crons?: { path: string; schedule: string }[] } = vercel;

/** Where the platform's cron calls the function, and when; the platform reads the schedule as UTC. */
export const { path: CRON_PATH, schedule: CRON_SCHEDULE } = crons[0] ?? {
  path: "/api/cron",
  schedule: "* * * * *",
};

/** Not 3000, which is WAHA's own. */
export const DEFAULT_PORT = 3400;

/** The word for the schedule of vercel.json. */
const CRON = "cron";

/** Those of the server alone, described as those of the passes are in lib/config.ts. */
export const ServerSettingsSchema = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(DEFAULT_PORT).meta({
    description:
      "The port it listens at; 3000 is WAHA's own. 0 takes a free one, and the first line of the log says which.",
  }),
  HOST: z.string().default("127.0.0.1").meta({
    description:
      "The address it listens at: this computer alone. `0.0.0.0` for all; then put a proxy with TLS before it, as the secret travels with each call.",
  }),
  TICK_SECONDS: z
    .string()
    .regex(/^(cron|[1-9]\d{0,4})$/, `must be a whole number of seconds, or the word ${CRON}`)
    .default("30")
    .meta({
      description:
        "From one pass to the next, in whole seconds. Less than `LOOKBACK_SECONDS`, and 120 at most (more where [passes stay](pacing.md#on-time)). Or `cron`: the schedule in `vercel.json`.",
    }),
});

/** The settings of a server of one's own, checked. */
export interface ServerSettings {
  /** Those of the passes. */
  config: Config;
  port: number;
  host: string;
  schedule: Schedule;
}

/**
 * Reads all that a server of one's own needs from an environment.
 *
 * @throws ConfigError naming every wrong setting, never a value
 */
export function readServerSettings(env: NodeJS.ProcessEnv): ServerSettings {
  const problems: SettingProblem[] = [];
  const config = collect(() => parseConfig(env), problems);
  const own = collect(() => parseSettings(ServerSettingsSchema, env), problems);
  if (!config || !own) throw new ConfigError(problems);
  const { PORT: port, HOST: host, TICK_SECONDS } = own;
  const schedule = TICK_SECONDS === CRON ? { cron: CRON_SCHEDULE } : { everySeconds: Number(TICK_SECONDS) };
  requireFrequent(schedule, config);
  // The driver has the last word on the address.
  openDatabase(config);
  return { config, port, host, schedule };
}

/** What `read` gives; undefined if settings are wrong, which are then among the problems. */
function collect<T>(read: () => T, problems: SettingProblem[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/**
 * What falls due right after a pass must still be inside its window when the next one comes; and the health check
 * must not take a pass that is still to come for one that stayed away.
 */
function requireFrequent(schedule: Schedule, config: Config): void {
  if ("cron" in schedule) return;
  const { everySeconds } = schedule;
  const { LOOKBACK_SECONDS, PASS_SECONDS } = config;
  const mostSeconds = quietSeconds(config) - Math.max(60, PASS_SECONDS);
  if (everySeconds >= LOOKBACK_SECONDS)
    refuseTicks("must be less than LOOKBACK_SECONDS, or messages are missed between two passes");
  if (everySeconds > mostSeconds)
    refuseTicks(`must not exceed ${mostSeconds}, or the health check takes passes for stopped between two`);
}

function refuseTicks(problem: string): never {
  throw new ConfigError([{ setting: "TICK_SECONDS", problem }]);
}
