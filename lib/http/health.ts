import { withTimeout } from "../async.ts";
import { type SystemClock, systemClock } from "../clock.ts";
import { type Config, logLevel, parseConfig } from "../config.ts";
import { UnavailableError } from "../errors.ts";
import { openLog } from "../log.ts";
import { openDatabase } from "../mongo/client.ts";
import { asUnavailable } from "../mongo/errors.ts";
import { isRecent, readLastPass } from "../monitoring/record.ts";
import { openWaha } from "../waha/client.ts";
import { answer, explain } from "./respond.ts";

/** An answer is kept for ten seconds, and concurrent calls share one check, so that strangers can't drive load. */
const KEPT_MS = 10_000;

/** The time that WAHA and the database each have. The platform ends this function after 15 s. */
const CHECK_MS = 8_000;

/** What a host tells that runs passes by itself. */
export interface FirstPass {
  /** Whether its first pass is under way: until that ends, no pass need have ended recently. */
  firstPassRuns?: () => boolean;
}

/** What an instance knows of the health of a deployment. */
interface Known {
  askedAt: number;
  isOk: Promise<boolean>;
  /** The problem that the log was told last; undefined if it was told that all is well. */
  told: string | undefined;
}

/** By the settings, which are the same object for the life of an instance. */
const known = new WeakMap<NodeJS.ProcessEnv, Known>();

/**
 * Tells any caller whether the scheduler works: WAHA and the database can be reached, and a pass ended recently. Why
 * it does not work is in the log, once for each change.
 *
 * @param env the settings; see docs/configuration.md
 * @param host the machine's clocks; whether its first pass is under way, which a pass that stays is for a minute
 * @returns 200 with `{ok: true}` or 503 with `{ok: false}`; 405 for a method that is neither GET nor HEAD
 */
export async function handleHealth(
  request: Request,
  env: NodeJS.ProcessEnv,
  { hostClock = systemClock, firstPassRuns }: { hostClock?: SystemClock } & FirstPass = {},
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD")
    return answer(405, { error: "method not allowed" }, { Allow: "GET, HEAD" });
  const ok = await isOk(env, hostClock.monotonic(), firstPassRuns?.() ?? false);
  const status = ok ? 200 : 503;
  return request.method === "HEAD"
    ? new Response(null, { status, headers: { "Cache-Control": "no-store" } })
    : answer(status, { ok });
}

/** The kept answer, or a new one. */
function isOk(env: NodeJS.ProcessEnv, now: number, isFirstPass: boolean): Promise<boolean> {
  const before = known.get(env);
  if (before && now - before.askedAt < KEPT_MS) return before.isOk;
  const asked: Known = { askedAt: now, told: before?.told, isOk: Promise.resolve(false) };
  known.set(env, asked);
  asked.isOk = findProblem(env, isFirstPass).then((problem) => {
    const log = openLog(logLevel(env));
    if (problem && problem.message !== asked.told) explain(problem, log);
    if (!problem && asked.told) log.info({}, "healthy again");
    asked.told = problem?.message;
    return problem === undefined;
  });
  return asked.isOk;
}

/** What keeps the scheduler from working, if anything does. */
async function findProblem(env: NodeJS.ProcessEnv, isFirstPass: boolean): Promise<Error | undefined> {
  try {
    const config = parseConfig(env);
    // Both run to their end, so that if both are away it is always the database that is named.
    const checks = await Promise.allSettled([checkDatabase(config, isFirstPass), checkWaha(config)]);
    for (const check of checks) if (check.status === "rejected") throw check.reason;
    return undefined;
  } catch (error) {
    return asUnavailable(error) as Error;
  }
}

/** @throws UnavailableError if it can't be reached, or no pass has ended recently, and the first one is not under way */
async function checkDatabase(config: Config, isFirstPass: boolean): Promise<void> {
  const db = openDatabase(config);
  const read = async () => {
    await db.connect();
    return Promise.all([db.readTime(), readLastPass(db)]);
  };
  const [now, lastPass] = await withTimeout(read(), CHECK_MS, "database_unreachable");
  const areRunning = isFirstPass || (lastPass && isRecent(lastPass, now, config));
  if (!areRunning) throw new UnavailableError("passes_stopped");
}

/** @throws UnavailableError if it can't be reached, refuses the key, or is not WAHA */
async function checkWaha(config: Config): Promise<void> {
  const waha = openWaha(config);
  try {
    await waha.listSessions(CHECK_MS);
  } finally {
    await waha.close();
  }
}
