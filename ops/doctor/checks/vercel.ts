import { z } from "zod";
import type { Config } from "../../../lib/config.ts";
import { type Finding, ok, problem, warning } from "../finding.ts";

const Vercel = z.object({
  functions: z.object({ "api/cron.ts": z.object({ maxDuration: z.number().positive() }) }),
  crons: z.array(z.object({ path: z.string(), schedule: z.string() })).default([]),
  // The successor of crons, in public beta: https://vercel.com/docs/schedules/configuration
  schedules: z
    .record(
      z.string(),
      z.object({
        schedule: z.string(),
        path: z.string().optional(),
        requestMethod: z.string().optional(),
        jitter: z.number().optional(),
      }),
    )
    .optional(),
});

/** What vercel.json says of the function and its cron. */
export type Vercel = z.infer<typeof Vercel>;

/** The cron's path, and the two ways to write every minute. */
const PATH = "/api/cron";
const EVERY_MINUTE = new Set(["* * * * *", "*/1 * * * *"]);

/** Reads vercel.json; undefined if it is not what the scheduler's own settings need it to be. */
export function readVercel(json: string): Vercel | undefined {
  try {
    return Vercel.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}

/** Without it no setting can be read: `PASS_SECONDS` is measured against it. */
export const VERCEL_UNREADABLE: Finding = problem(
  "vercel.json",
  'it is no JSON, or does not say maxDuration of "api/cron.ts"; nothing else can be checked without it',
  'Restore it: "functions": { "api/cron.ts": { "maxDuration": 60 } }',
);

/** Checks that the platform calls the function every minute and lets a pass finish. */
export function checkVercel(vercel: Vercel, { LOOKBACK_SECONDS, PASS_SECONDS }: Config): Finding[] {
  const { crons, functions, schedules } = vercel;
  const { maxDuration } = functions["api/cron.ts"];
  const lets =
    maxDuration >= PASS_SECONDS
      ? ok("vercel.json", `lets a pass take ${maxDuration} s, and it takes ${PASS_SECONDS} s at most`)
      : problem(
          "vercel.json",
          `maxDuration is ${maxDuration} s, and a pass may take ${PASS_SECONDS} s: it is killed before it can tidy up`,
          `Raise maxDuration to ${PASS_SECONDS}, or lower PASS_SECONDS to ${maxDuration}`,
        );
  const schedule = Object.values(schedules ?? {}).find(({ path }) => path === PATH);
  const cron = crons.find(({ path }) => path === PATH);
  return [lets, schedule && !cron ? checkSchedule(schedule, LOOKBACK_SECONDS) : checkCron(cron)];
}

/** Two calls may be `jitter` minutes further apart than the minute; what falls due between them must be in its window yet. */
function checkSchedule(
  { jitter = 0, requestMethod, schedule }: NonNullable<Vercel["schedules"]>[string],
  lookbackSeconds: number,
): Finding {
  if (requestMethod !== "GET")
    return problem(
      "vercel.json",
      `its schedule calls ${PATH} with POST, which is answered 405: nothing is sent`,
      'Set its requestMethod to "GET"',
    );
  if (!EVERY_MINUTE.has(schedule)) return notEveryMinute("schedule", schedule);
  const needed = 60 * (jitter + 1) + 60;
  if (jitter > 0 && lookbackSeconds < needed)
    return problem(
      "vercel.json",
      `the jitter of its schedule delays calls by up to ${jitter} min: what falls due in between can miss its window`,
      `Leave jitter out, or set LOOKBACK_SECONDS to ${needed} at least`,
    );
  return ok("vercel.json", "its schedule calls every minute");
}

function checkCron(cron: Vercel["crons"][number] | undefined): Finding {
  if (!cron)
    return warning(
      "vercel.json",
      `no cron and no schedule calls ${PATH}: on Vercel nothing is sent unless something else calls it every minute`,
      `Put it back ("crons": [{ "path": "${PATH}", "schedule": "* * * * *" }]), or make sure of the other caller`,
    );
  if (EVERY_MINUTE.has(cron.schedule)) return ok("vercel.json", "its cron calls every minute");
  return notEveryMinute("cron", cron.schedule);
}

function notEveryMinute(caller: "cron" | "schedule", schedule: string): Finding {
  return problem(
    "vercel.json",
    `its ${caller} calls by "${schedule}" and not every minute: what falls due in between can miss its window`,
    'Set its schedule to "* * * * *"',
  );
}
