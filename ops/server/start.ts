import { describeError, type Log, openLog } from "../../lib/log.ts";
import { CRON_PATH } from "./cron.ts";
import { serve } from "./http.ts";
import { type Routes, routesOf } from "./routes.ts";
import { readServerSettings } from "./settings.ts";
import { shutDown } from "./shutdown.ts";
import { stopOnSignal } from "./signals.ts";
import { writeForPeople } from "./terminal.ts";
import { startTicker } from "./ticker.ts";

/**
 * Serves all that the platform would, and runs a pass at once and then on schedule, until a signal comes.
 *
 * @throws ConfigError if settings are wrong; Error of the system if it can't listen where they say
 */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  const { config, host, port, schedule } = readServerSettings(env);
  await writeForPeople();
  const log = openLog(config.LOG_LEVEL);
  const stop = new AbortController();
  const giveUp = new AbortController();
  const routes = routesOf(env, { stop: stop.signal, giveUp: giveUp.signal });
  const served = await serve(routes, port, host);
  const ticker = startTicker(schedule, () => runPass(routes, config.CRON_SECRET, log));
  stopOnSignal(() => shutDown({ log, served, ticker, stop, giveUp }));
  log.info({ host, port: served.port, ...schedule }, "started");
  ticker.tick();
}

/** One pass, called as the platform's cron would, but without the network. It logs for itself what it did. */
async function runPass(routes: Routes, secret: string, log: Log): Promise<void> {
  const headers = { authorization: `Bearer ${secret}` };
  try {
    await routes.get(CRON_PATH)?.(new Request(`http://localhost${CRON_PATH}`, { headers }));
  } catch (error) {
    log.error({ error: describeError(error) }, "unexpected error");
  }
}
