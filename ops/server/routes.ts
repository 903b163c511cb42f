import { handleCron } from "../../lib/http/cron.ts";
import { handleHealth } from "../../lib/http/health.ts";
import { handleStatus } from "../../lib/http/status.ts";
import type { Host } from "../../lib/pass/run.ts";
import { CRON_PATH } from "./cron.ts";

export const STATUS_PATH = "/api/status";

export const HEALTH_PATH = "/api/health";

/** Answers the requests to one path. */
export type Handler = (request: Request) => Promise<Response>;

/** What a host serves, by path. */
export type Routes = ReadonlyMap<string, Handler>;

/**
 * Everything that the platform would serve.
 *
 * @param env the settings; see docs/configuration.md
 * @param host what the host of the passes provides
 */
export function routesOf(env: NodeJS.ProcessEnv, host: Partial<Host>): Routes {
  return new Map<string, Handler>([
    [CRON_PATH, (request) => handleCron(request, env, host)],
    [STATUS_PATH, (request) => handleStatus(request, env)],
    [HEALTH_PATH, (request) => handleHealth(request, env, host)],
  ]);
}
