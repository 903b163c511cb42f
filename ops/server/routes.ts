import { handleCron } from "../../lib/handler.ts";
import type { Host } from "../../lib/pass/run.ts";
import { CRON_PATH } from "./cron.ts";

/** Answers the requests to one path. */
export type Handler = (request: Request) => Promise<Response>;

/** What a host serves, by path. */
export type Routes = ReadonlyMap<string, Handler>;

/**
 * Everything that the platform would serve.
 *
 * @param env the settings; see the README
 * @param host what the host of the passes provides
 */
export function routesOf(env: NodeJS.ProcessEnv, host: Partial<Host>): Routes {
  return new Map([[CRON_PATH, (request: Request) => handleCron(request, env, host)]]);
}
