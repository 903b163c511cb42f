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

/** An answer is kept for so long, and concurrent calls share one check: strangers can't drive load through this. */
const KEPT_MS = 10_000;

/** WAHA and the database each get so long; the platform ends this function after 15 s. */
const CHECK_MS = 8_000;

/** What an instance knows of the health of one deployment. */
interface Known {
  askedAt: number;
  isOk: Promise<boolean>;
  /** What the log was told last: a problem's words, or nothing. */
  told: string | undefined;
}

/** By its settings, which are one object as long as the instance lives. */
const known = new WeakMap<NodeJS.ProcessEnv, Known>();

/**
 * Tells anybody whether the scheduler works, and nothing else: WAHA and the database can be reached, and a pass ended
 * not long ago. Why it does not is in the log, once for each change.
 *
 * @param env the settings; see docs/configuration.md
 * @param ticker the machine's clocks
 * @returns 200 with `{ok: true}` or 503 with `{ok: false}`; 405 for a method that is neither GET nor HEAD
 */
export async function handleHealth(
  request: Request,
  env: NodeJS.ProcessEnv,
  { ticker = systemClock }: { ticker?: SystemClock } = {},
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD")
    return answer(405, { error: "method not allowed" }, { Allow: "GET, HEAD" });
  const ok = await isOk(env, ticker.monotonic());
  const status = ok ? 200 : 503;
  return request.method === "HEAD"
    ? new Response(null, { status, headers: { "Cache-Control": "no-store" } })
    : answer(status, { ok });
}

/** The answer that is kept, or a new one. */
function isOk(env: NodeJS.ProcessEnv, now: number): Promise<boolean> {
  const before = known.get(env);
  if (before && now - before.askedAt < KEPT_MS) return before.isOk;
  const asked: Known = { askedAt: now, told: before?.told, isOk: Promise.resolve(false) };
  known.set(env, asked);
  asked.isOk = findProblem(env).then((problem) => {
    const log = openLog(logLevel(env));
    if (problem && problem.message !== asked.told) explain(problem, log);
    if (!problem && asked.told) log.info({}, "healthy again");
    asked.told = problem?.message;
    return problem === undefined;
  });
  return asked.isOk;
}

/** What keeps the scheduler from working, if anything does. */
async function findProblem(env: NodeJS.ProcessEnv): Promise<Error | undefined> {
  try {
    const config = parseConfig(env);
    // Both to their end, so that where both are away it is always the same one that is named.
    const checks = await Promise.allSettled([checkDatabase(config), checkWaha(config)]);
    for (const check of checks) if (check.status === "rejected") throw check.reason;
    return undefined;
  } catch (error) {
    return asUnavailable(error) as Error;
  }
}

/** @throws UnavailableError if it can't be reached, or no pass has ended on it not long ago */
async function checkDatabase(config: Config): Promise<void> {
  const db = openDatabase(config);
  const read = async () => {
    await db.connect();
    return Promise.all([db.readTime(), readLastPass(db)]);
  };
  const [now, lastPass] = await withTimeout(read(), CHECK_MS, "database_unreachable");
  if (!lastPass || !isRecent(lastPass, now, config)) throw new UnavailableError("passes_stopped");
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
