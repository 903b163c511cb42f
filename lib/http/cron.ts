import { randomUUID } from "node:crypto";
import { inBackground, withTimeout } from "../async.ts";
import { systemClock } from "../clock.ts";
import { type Config, configWarnings, logLevel } from "../config.ts";
import { UnavailableError } from "../errors.ts";
import { type Log, openLog, withFields } from "../log.ts";
import { databaseIsAway } from "../monitoring/alerts/database-away.ts";
import { tellOfPass } from "../monitoring/alerts/tell-of-pass.ts";
import type { PassReport } from "../monitoring/report.ts";
import { dryRun } from "../pass/dry-run.ts";
import { type Host, runPass } from "../pass/run.ts";
import { PassStats } from "../pass/stats.ts";
import { admit, checkBearer } from "./auth.ts";
import { answer, explain } from "./respond.ts";

/** The platform freezes or kills a function, but never asks it to stop. */
const NEVER = new AbortController().signal;

/** The pass is cut off this long before the platform would do it, so that there is an answer. */
const CUT_OFF_SHARE = 0.05;

/**
 * Answers one call of the cron, or of a person: checks the secret, runs one pass, tells what it did. Every
 * failure has an answer in plain words, and none shows a secret, a text or a stack trace.
 *
 * @param env the settings; see docs/configuration.md
 * @param host the machine's clocks, and its wishes to stop; by default its own clocks, and none
 * @returns 200 with the summary; 400 for a dryRun that is neither true nor false; 401; 405; 500 naming wrong settings; 503 naming what is away
 */
export async function handleCron(
  request: Request,
  env: NodeJS.ProcessEnv,
  { ticker = systemClock, stop = NEVER, giveUp = NEVER }: Partial<Host> = {},
): Promise<Response> {
  const began = ticker.monotonic();
  if (request.method !== "GET") return answer(405, { error: "method not allowed" }, { Allow: "GET" });
  const log = openLog(logLevel(env));
  try {
    const config = admit(request, env, log, checkBearer);
    if (!config) return answer(401, { error: "unauthorized" }, { "WWW-Authenticate": "Bearer" });
    for (const warning of configWarnings(config)) log.warn({}, warning);
    const isDryRun = asksForDryRun(request.url);
    if (isDryRun === undefined) return answer(400, { error: "dryRun must be true or false" });
    if (isDryRun) return answer(200, await beforeCutOff(dryRun(config, ticker), config));
    return await answerPass(config, log, { ticker, stop, giveUp }, began);
  } catch (error) {
    const { status, errors } = explain(error, log);
    return answer(status, { ok: false, errors });
  }
}

/** Undefined where that is not clear: whoever asks for a dry run in other words must not get a real one. */
function asksForDryRun(url: string): boolean | undefined {
  const query = [...new URL(url).searchParams].filter(([name]) => name.toLowerCase() === "dryrun");
  const words = new Set(query.map(([, value]) => value));
  if (words.size === 0) return false;
  if (words.size > 1 || !(words.has("true") || words.has("false"))) return undefined;
  return words.has("true");
}

function statusOf({ defective, unavailable }: PassReport): number {
  if (defective) return 500;
  return unavailable.length > 0 ? 503 : 200;
}

/** Runs a pass, answers what it came to, and tells behind the answer whom it concerns. */
async function answerPass(config: Config, logOfAll: Log, host: Host, began: number): Promise<Response> {
  const passId = randomUUID();
  const log = withFields(logOfAll, { passId });
  try {
    const result = await beforeCutOff(runPass(config, log, host, { passId, began }), config);
    inBackground(tellOfPass(config, log, result));
    return answer(statusOf(result), result.summary);
  } catch (error) {
    if (error instanceof UnavailableError) inBackground(databaseIsAway(config, log, error));
    const { status, errors } = explain(error, log);
    const durationMs = host.ticker.monotonic() - began;
    const startedAt = new Date(host.ticker.system() - durationMs);
    // It counted nothing that anybody heard of; the line is there all the same, as of every pass.
    log.info({ ...new PassStats().summary(passId, startedAt, durationMs), ok: false, errors }, "pass");
    return answer(status, { ok: false, errors });
  }
}

/** The pass ends by itself in time; should it hang all the same, the caller still gets an answer. */
async function beforeCutOff<T>(work: Promise<T>, { PASS_SECONDS, TAIL_SECONDS }: Config): Promise<T> {
  return withTimeout(work, (PASS_SECONDS - TAIL_SECONDS * CUT_OFF_SHARE) * 1000, "pass_overran");
}
