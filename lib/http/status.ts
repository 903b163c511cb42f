import { type Config, logLevel } from "../config.ts";
import { openLog } from "../log.ts";
import { gatherStatus, type Status } from "../monitoring/status/gather.ts";
import { CONTENT_SECURITY_POLICY } from "../monitoring/status/page/document.ts";
import { failurePage, statusPage, unauthorizedPage } from "../monitoring/status/page/page.ts";
import { type Admission, admit, checkBasicOrBearer } from "./auth.ts";
import type { FirstPass } from "./health.ts";
import { answer, BEARER_CHALLENGE, explain } from "./respond.ts";

/** Has a browser ask for a user and a password. */
const BASIC_CHALLENGE = { "WWW-Authenticate": 'Basic realm="waha-scheduler"' };

/** Who looks need not be able to send; who may send may look. */
const ADMISSION = { check: checkBasicOrBearer, by: ["CRON_SECRET", "STATUS_SECRET"] } satisfies Admission;

/**
 * Tells a caller who knows a secret how the scheduler is: as JSON, or as a page if the caller accepts HTML. It
 * changes nothing, and its work is bounded, however much there is in the database.
 *
 * @param env the settings; see docs/configuration.md
 * @param host whether its first pass is under way
 * @returns 200 with the status, also if WAHA is away; 401; 405; 500 naming wrong settings; 503 if the database is away
 */
export async function handleStatus(
  request: Request,
  env: NodeJS.ProcessEnv,
  { firstPassRuns }: FirstPass = {},
): Promise<Response> {
  if (request.method !== "GET") return answer(405, { error: "method not allowed" }, { Allow: "GET" });
  const log = openLog(logLevel(env));
  const isBrowser = request.headers.get("accept")?.includes("text/html") ?? false;
  try {
    const config = admit(request, env, log, ADMISSION);
    if (!config)
      return isBrowser
        ? pageAnswer(401, await unauthorizedPage(), BASIC_CHALLENGE)
        : answer(401, { error: "unauthorized" }, BEARER_CHALLENGE);
    const status = await sharedStatus(env, config, firstPassRuns?.() ?? false);
    return isBrowser ? pageAnswer(200, await statusPage(status)) : answer(200, status);
  } catch (error) {
    const { status, errors } = explain(error, log);
    return isBrowser ? pageAnswer(status, await failurePage(errors)) : answer(status, { ok: false, errors });
  }
}

/** In milliseconds. So often it is looked at anew, however many ask: passes need the database, too. */
const SHARED_MS = 2_000;

const shared = new WeakMap<NodeJS.ProcessEnv, { askedAt: number; status: Promise<Status> }>();

/** The status as it was a moment ago, if somebody asked; by the settings, which are the same object for an instance. */
function sharedStatus(env: NodeJS.ProcessEnv, config: Config, isFirstPass: boolean): Promise<Status> {
  const now = performance.now();
  const before = shared.get(env);
  if (before && now - before.askedAt < SHARED_MS) return before.status;
  const status = gatherStatus(config, isFirstPass);
  shared.set(env, { askedAt: now, status });
  return status;
}

/** A page, which is kept nowhere and loads nothing. */
function pageAnswer(status: number, page: string, headers: Record<string, string> = {}): Response {
  return new Response(page, {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": CONTENT_SECURITY_POLICY,
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
      "X-Robots-Tag": "noindex",
      ...headers,
    },
  });
}
