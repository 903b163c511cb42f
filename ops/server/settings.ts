import { z } from "zod";
import {
  type Config,
  parseConfig,
  parseSettings,
  quietSeconds,
  readTimes,
  type Times,
} from "../../lib/config.ts";
import { ConfigError, collectProblems, type SettingProblem } from "../../lib/errors.ts";
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
  /** How the server calls for its own passes. */
  own: OwnPasses;
}

/** Passes that the server runs by itself. */
interface OwnPasses {
  env: NodeJS.ProcessEnv;
  /** The next one begins when one ends. */
  isFollowed: boolean;
  /** How long each stays. */
  staySeconds: number;
}

/**
 * Reads all that a server of one's own needs from an environment.
 *
 * @throws ConfigError naming every wrong setting, never a value
 */
export function readServerSettings(env: NodeJS.ProcessEnv): ServerSettings {
  const problems: SettingProblem[] = [];
  const config = collectProblems(() => parseConfig(env), problems);
  const own = collectProblems(() => parseSettings(ServerSettingsSchema, env), problems);
  const [ticks, times] = [readTicks(env), readTimes(env)];
  if (ticks && times) problems.push(...tickProblems(scheduleOf(ticks), times));
  // The driver has the last word on the address.
  if (config) collectProblems(() => openDatabase(config), problems);
  if (!config || !own || problems.length > 0) throw new ConfigError(problems);
  const schedule = scheduleOf(own);
  return { config, port: own.PORT, host: own.HOST, schedule, own: ownPasses(env, config, schedule) };
}

/**
 * A server's passes cost nothing while they wait. So each stays as long as it may, unless STAY_SECONDS says otherwise,
 * and messages go out at their time. What is called over HTTP answers when it has sent what is due.
 */
function ownPasses(env: NodeJS.ProcessEnv, config: Config, schedule: Schedule): OwnPasses {
  const { PASS_SECONDS, TAIL_SECONDS } = config;
  const isSet = Boolean(env.STAY_SECONDS?.trim());
  const staySeconds = isSet ? config.STAY_SECONDS : PASS_SECONDS - TAIL_SECONDS;
  return {
    env: isSet ? env : { ...env, STAY_SECONDS: String(staySeconds) },
    staySeconds,
    isFollowed: "everySeconds" in schedule && schedule.everySeconds <= PASS_SECONDS - TAIL_SECONDS,
  };
}

type Ticks = Pick<z.infer<typeof ServerSettingsSchema>, "TICK_SECONDS">;

/** This one alone, so that it is compared also where another setting is wrong; undefined if it is wrong itself. */
function readTicks(env: NodeJS.ProcessEnv): Ticks | undefined {
  return collectProblems(() => parseSettings(ServerSettingsSchema.pick({ TICK_SECONDS: true }), env), []);
}

function scheduleOf({ TICK_SECONDS }: Ticks): Schedule {
  return TICK_SECONDS === CRON ? { cron: CRON_SCHEDULE } : { everySeconds: Number(TICK_SECONDS) };
}

/**
 * What falls due right after a pass must still be inside its window when the next one comes; and the health check
 * must not take a pass that is still to come for one that stayed away.
 */
function tickProblems(schedule: Schedule, times: Times): SettingProblem[] {
  if ("cron" in schedule) return [];
  const { everySeconds } = schedule;
  const mostSeconds = quietSeconds(times) - Math.max(60, times.PASS_SECONDS);
  const refused = (problem: string) => [{ setting: "TICK_SECONDS", problem }];
  if (everySeconds >= times.LOOKBACK_SECONDS)
    return refused("must be less than LOOKBACK_SECONDS, or messages are missed between two passes");
  if (everySeconds > mostSeconds)
    return refused(
      `must not exceed ${mostSeconds}, or the health check takes passes for stopped between two`,
    );
  return [];
}
