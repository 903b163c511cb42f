/** `npm start`: runs the scheduler on a server of your own. */
import { shownDatabase } from "../../lib/database-url.ts";
import { ConfigError } from "../../lib/errors.ts";
import { handleCron } from "../../lib/http/cron.ts";
import { describeError, openLog } from "../../lib/log.ts";
import type { Host } from "../../lib/pass/run.ts";
import { findNearMisses, tellNearMiss } from "../near-misses.ts";
import { helpIfAsked, loadEnvFile, stopOnSignal, tellWrongSettings } from "../program.ts";
import { createApp, serve } from "./http.ts";
import { startPassTimer } from "./pass-timer.ts";
import { CRON_PATH, readServerSettings, type ServerSettings } from "./settings.ts";
import { shutDown } from "./shutdown.ts";
import { writeForPeople } from "./terminal.ts";

const NO_ADDRESS = "HOST is no address of this computer. Set 127.0.0.1, 0.0.0.0 or one that it has";
const TAKEN = "stop what listens there, or set another PORT or HOST";

/** What to do where the system won't listen, by its code; in all other cases the port is taken. */
const WHY_NOT: Record<string, string> = {
  ENOTFOUND: NO_ADDRESS,
  EAI_AGAIN: NO_ADDRESS,
  EADDRNOTAVAIL: NO_ADDRESS,
  EACCES: "this user may not listen at that PORT. Set one above 1023",
};

const USAGE = `npm start

Runs the scheduler on a server of your own, until it is stopped. It takes no options: its settings are in the
environment or .env; docs/configuration.md says what each means, docs/self-hosting.md how to run it.`;

helpIfAsked(USAGE);
try {
  loadEnvFile();
  await start(process.env);
} catch (error) {
  explain(error);
  process.exit(1);
}

/**
 * Serves all that the platform would, and runs a pass at once and then on schedule, until a signal comes.
 *
 * @throws ConfigError if settings are wrong; Error of the system if it can't listen where they say
 */
async function start(env: NodeJS.ProcessEnv): Promise<void> {
  const settings = readServerSettings(env);
  const { config, host, port, schedule } = settings;
  await writeForPeople();
  const log = openLog(config.LOG_LEVEL);
  const stop = new AbortController();
  const giveUp = new AbortController();
  const signals = { stop: stop.signal, giveUp: giveUp.signal };
  let firstPassRuns = true;
  const app = createApp(env, { ...signals, firstPassRuns: () => firstPassRuns });
  const served = await serve(app, port, host);
  const passTimer = startPassTimer(schedule, async () => {
    await runPass(settings, signals);
    firstPassRuns = false;
  });
  stopOnSignal(() => shutDown({ log, served, passTimer, stop, giveUp }));
  const database = shownDatabase(config.DATABASE_URL);
  const waha = new URL(config.WAHA_API_URL).host;
  log.info({ database, waha, host, port: served.port, ...tellPace(settings) }, "started");
  for (const near of findNearMisses(env)) log.warn({ setting: near.given }, tellNearMiss(near));
  passTimer.runNow();
}

/** How passes come: where they stay for longer than from one to the next, each follows the one before. */
function tellPace({ own: { staySeconds }, schedule }: ServerSettings): object {
  if (staySeconds === 0) return schedule;
  const isEndless = "everySeconds" in schedule && schedule.everySeconds <= staySeconds;
  return isEndless ? { staySeconds } : { ...schedule, staySeconds };
}

/** One pass, called as the platform's cron would, but without the network. It logs for itself what it did. */
async function runPass(
  { config: { CRON_SECRET, LOG_LEVEL }, own: { env, isFollowed } }: ServerSettings,
  signals: Partial<Host>,
): Promise<void> {
  const headers = { authorization: `Bearer ${CRON_SECRET}` };
  try {
    await handleCron(new Request(`http://localhost${CRON_PATH}`, { headers }), env, {
      ...signals,
      isFollowed,
    });
  } catch (error) {
    openLog(LOG_LEVEL).error({ error: describeError(error) }, "unexpected error");
  }
}

function explain(error: unknown): void {
  if (error instanceof ConfigError) {
    tellWrongSettings("Settings are wrong", error);
    return;
  }
  const { syscall, code, message } = error as NodeJS.ErrnoException;
  const isOfListening = syscall === "listen" || syscall === "getaddrinfo";
  console.error(
    isOfListening ? `Can't listen at HOST and PORT (${code}): ${WHY_NOT[code ?? ""] ?? TAKEN}` : message,
  );
}
