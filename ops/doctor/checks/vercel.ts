import { z } from "zod";
import type { Config } from "../../../lib/config.ts";
import { type Finding, ok, problem, warning } from "../finding.ts";

const Vercel = z.object({
  functions: z.object({ "api/cron.ts": z.object({ maxDuration: z.number().positive() }) }),
  crons: z.array(z.object({ path: z.string(), schedule: z.string() })).default([]),
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
export function checkVercel({ functions, crons }: Vercel, { PASS_SECONDS }: Config): Finding[] {
  const { maxDuration } = functions["api/cron.ts"];
  const lets =
    maxDuration >= PASS_SECONDS
      ? ok("vercel.json", `lets a pass take ${maxDuration} s, and it takes ${PASS_SECONDS} s at most`)
      : problem(
          "vercel.json",
          `maxDuration is ${maxDuration} s, and a pass may take ${PASS_SECONDS} s: it is killed before it can tidy up`,
          `Raise maxDuration to ${PASS_SECONDS}, or lower PASS_SECONDS to ${maxDuration}`,
        );
  return [lets, checkCron(crons)];
}

function checkCron(crons: Vercel["crons"]): Finding {
  const cron = crons.find(({ path }) => path === PATH);
  if (!cron)
    return warning(
      "vercel.json",
      `no cron calls ${PATH}: on Vercel nothing is sent unless something else calls it every minute`,
      `Put it back ("crons": [{ "path": "${PATH}", "schedule": "* * * * *" }]), or make sure of the other caller`,
    );
  if (EVERY_MINUTE.has(cron.schedule)) return ok("vercel.json", "its cron calls every minute");
  return problem(
    "vercel.json",
    `its cron calls by "${cron.schedule}" and not every minute: what falls due in between can miss its window`,
    'Set its schedule to "* * * * *"',
  );
}
