import { createApp, type Served, serve, WEBHOOK_PATH } from "../../ops/server/http.ts";
import { CRON_PATH } from "../../ops/server/settings.ts";

/** The function, served over HTTP on this computer alone. */
export interface HostedFunction extends Served {
  /** Where the cron calls it; by number, as `localhost` may lead to another program's IPv6 port. */
  url: string;
  /** Where WAHA sends its events. */
  webhookUrl: string;
}

/**
 * Serves the function as the platform would. When it closes, the passes under way are asked to end early.
 *
 * @param env the function's settings
 * @param port 0, the default, takes a free one
 * @throws Error of the system if the port is taken
 */
export async function hostFunction(env: NodeJS.ProcessEnv, port = 0): Promise<HostedFunction> {
  const stop = new AbortController();
  const served = await serve(createApp(env, { stop: stop.signal }), port, "127.0.0.1");
  return {
    url: `http://127.0.0.1:${served.port}${CRON_PATH}`,
    webhookUrl: `http://127.0.0.1:${served.port}${WEBHOOK_PATH}`,
    port: served.port,
    close: (withinMs) => {
      stop.abort();
      return served.close(withinMs);
    },
  };
}
