import { randomUUID } from "node:crypto";
import { inBackground, withTimeout } from "../async.ts";
import { type SystemClock, systemClock } from "../clock.ts";
import { type Config, configWarnings, logLevel } from "../config.ts";
import { UnavailableError } from "../errors.ts";
import { describeError, type Log, logOfPass, openLog } from "../log.ts";
import type { PassReport } from "../monitoring/report.ts";
import type { DryRun } from "../pass/dry-run.ts";
import { type Host, runPass } from "../pass/run.ts";
import { PassStats } from "../pass/stats.ts";
import { admit, checkBearer } from "./auth.ts";
import { answer, BEARER_CHALLENGE, explain } from "./respond.ts";

/** For a host that never asks a pass to stop. */
const NEVER = new AbortController().signal;

/** What calls for passes. */
interface Caller {
  /** It calls again when this pass ends. */
  isFollowed?: boolean;
}

/** The part of the tail that is left when a pass is cut off: the platform would do it later, without an answer. */
const CUT_OFF_SHARE = 0.05;

/**
 * Answers one call of the cron, or of a person: checks the secret, runs one pass or a dry run, and says what it
 * came to. Every failure has an answer in plain words, and none shows a secret, a text or a stack trace.
 *
 * @param env the settings; see docs/configuration.md
 * @param host the machine's clocks, and the host's signals to stop; by default the system's clocks, and no signal
 * @returns 200 with the summary; 400 for a dryRun that is neither true nor false, and for any other parameter; 401; 405; 500 naming wrong settings; 503 naming what is away
 */
export async function handleCron(
  request: Request,
  env: NodeJS.ProcessEnv,
  { hostClock = systemClock, stop = NEVER, giveUp = NEVER, isFollowed }: Partial<Host> & Caller = {},
): Promise<Response> {
  const began = hostClock.monotonic();
  if (request.method !== "GET") return answer(405, { error: "method not allowed" }, { Allow: "GET" });
  const log = openLog(logLevel(env));
  try {
    const config = admit(request, env, log, { check: checkBearer, by: ["CRON_SECRET"] });
    if (!config) return answer(401, { error: "unauthorized" }, BEARER_CHALLENGE);
    for (const warning of configWarnings(config, isFollowed)) log.warn({}, warning);
    const isDryRun = asksForDryRun(request.url);
    if (isDryRun === undefined)
      return answer(400, { error: "dryRun must be true or false, and is the only parameter" });
    return isDryRun
      ? answer(200, await untilCutOff(config, runDry(config, hostClock)))
      : await answerPass(config, log, { hostClock, stop, giveUp }, began);
  } catch (error) {
    const { status, errors } = explain(error, log);
    return answer(status, { ok: false, errors });
  }
}

/** Undefined where it is not clear: a caller who asks for a dry run in other words must not get a real pass. */
function asksForDryRun(url: string): boolean | undefined {
  const query = [...new URL(url).searchParams];
  if (query.length === 0) return false;
  if (query.some(([name]) => name.toLowerCase() !== "dryrun")) return undefined;
  const words = new Set(query.map(([, value]) => value));
  if (words.size > 1 || !(words.has("true") || words.has("false"))) return undefined;
  return words.has("true");
}

/** Runs a pass and answers with what it came to. People are told after the answer. */
async function answerPass(config: Config, parentLog: Log, host: Host, began: number): Promise<Response> {
  const passId = randomUUID();
  const log = logOfPass(parentLog, passId);
  try {
    const report = await untilCutOff(config, runPass(config, log, host, { passId, began }));
    afterAnswer(log, tellOfPass(config, log, report));
    return answer(statusOf(report), report.summary);
  } catch (error) {
    if (error instanceof UnavailableError) afterAnswer(log, tellAway(config, log, error));
    const { status, errors } = explain(error, log);
    const durationMs = host.hostClock.monotonic() - began;
    const startedAt = new Date(host.hostClock.system() - durationMs);
    // Every pass has this line. This one did not live to say what it counted.
    log.warn({ ...new PassStats().summary(passId, startedAt, durationMs), ok: false, errors }, "pass");
    return answer(status, { ok: false, errors });
  }
}

/*
 * What a pass does not need for its answer is loaded when it is needed: a cold start is as long as what it loads.
 */

async function runDry(config: Config, hostClock: SystemClock): Promise<DryRun> {
  const { dryRun } = await import("../pass/dry-run.ts");
  return dryRun(config, hostClock);
}

async function tellOfPass(config: Config, log: Log, report: PassReport): Promise<void> {
  const alerts = await import("../monitoring/alerts/tell-of-pass.ts");
  await alerts.tellOfPass(config, log, report);
}

async function tellAway(config: Config, log: Log, error: UnavailableError): Promise<void> {
  const alerts = await import("../monitoring/alerts/database-away.ts");
  await alerts.databaseIsAway(config, log, error);
}

function afterAnswer(log: Log, told: Promise<void>): void {
  inBackground(
    told.catch((error: unknown) =>
      log.warn({ error: describeError(error) }, "the alerts could not be seen to"),
    ),
  );
}

function statusOf({ defective, unavailable }: PassReport): number {
  if (defective) return 500;
  return unavailable.length > 0 ? 503 : 200;
}

/** A pass and a dry run end by themselves in time. Should one hang, the caller gets an answer all the same. */
function untilCutOff<T>({ PASS_SECONDS, TAIL_SECONDS }: Config, work: Promise<T>): Promise<T> {
  return withTimeout(work, (PASS_SECONDS - TAIL_SECONDS * CUT_OFF_SHARE) * 1000, "pass_overran");
}
