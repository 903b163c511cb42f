import { logLevel } from "../config.ts";
import { openLog } from "../log.ts";
import { gatherStatus } from "../monitoring/status/gather.ts";
import { failurePage, statusPage, unauthorizedPage } from "../monitoring/status/page/page.ts";
import { admit, checkBasicOrBearer } from "./auth.ts";
import { answer, explain } from "./respond.ts";

const REALM = "waha-scheduler";

/**
 * Tells whoever knows the secret how the scheduler is: as JSON, or as a page to those who ask for HTML. It changes
 * nothing, and what it takes is bounded, however much there is in the database.
 *
 * @param env the settings; see docs/configuration.md
 * @returns 200 with the status, also if WAHA is away; 401; 405; 500 naming wrong settings; 503 if the database is away
 */
export async function handleStatus(request: Request, env: NodeJS.ProcessEnv): Promise<Response> {
  if (request.method !== "GET") return answer(405, { error: "method not allowed" }, { Allow: "GET" });
  const log = openLog(logLevel(env));
  const isBrowser = request.headers.get("accept")?.includes("text/html") ?? false;
  try {
    const config = admit(request, env, log, checkBasicOrBearer);
    if (!config)
      return isBrowser
        ? await unauthorizedPage(`Basic realm="${REALM}"`)
        : answer(401, { error: "unauthorized" }, { "WWW-Authenticate": "Bearer" });
    const status = await gatherStatus(config);
    return isBrowser ? await statusPage(status) : answer(200, status);
  } catch (error) {
    const failure = explain(error, log);
    return isBrowser ? failurePage(failure) : answer(failure.status, { ok: false, errors: failure.errors });
  }
}
