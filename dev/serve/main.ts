/** `npm run dev`: serves the function on this computer, and calls it as the platform's cron does. */

import { ConfigError } from "../../lib/errors.ts";
import { closeDatabases } from "../../lib/mongo/client.ts";
import { CRON_PATH, CRON_SCHEDULE } from "../../ops/server/cron.ts";
import { loadEnvFile } from "../../ops/server/env-file.ts";
import { STATUS_PATH } from "../../ops/server/routes.ts";
import { stopOnSignal } from "../../ops/server/signals.ts";
import { writeForPeople } from "../../ops/server/terminal.ts";
import { type HostedFunction, hostFunction } from "../host/function.ts";
import { requireFreePort } from "../mongod/port.ts";
import { live } from "./live.ts";
import { type Options, readOptions } from "./options.ts";
import { simulate } from "./simulated.ts";
import type { WahaSnapshot } from "./surroundings.ts";
import { type CronTicker, startTicker } from "./ticker.ts";

/** A pass that was asked to stop needs no longer, unless WAHA is slow. */
const STOP_WITHIN_MS = 10_000;

try {
  const args = process.argv.slice(2);
  if (args.includes("--live")) loadEnvFile();
  await writeForPeople();
  await serve(readOptions(args, process.env));
} catch (error) {
  explain(error);
  process.exit(1);
}

async function serve(options: Options): Promise<void> {
  await requireFreePort("127.0.0.1", options.port);
  const surroundings = options.live ? live(process.env) : await simulate(process.env);
  const hosted = await hostFunction(surroundings.env, options.port);
  introduce(surroundings, hosted);
  const ticker = startTicker(hosted.url, surroundings.env.CRON_SECRET?.trim() ?? "");
  stopOnSignal(() => takeDown(surroundings, hosted, ticker));
  if (surroundings.callAtOnce) ticker.tick();
}

function introduce({ lines, shownSecret }: WahaSnapshot, { port }: HostedFunction): void {
  const url = `http://localhost:${port}${CRON_PATH}`;
  for (const line of lines) console.log(line);
  console.log(`Serving ${url}, called on vercel.json's schedule (${CRON_SCHEDULE}). To call it yourself:`);
  console.log(`  curl -H "Authorization: Bearer ${shownSecret}" ${url}`);
  console.log("What goes on there, in a browser (any user name, the secret as the password):");
  console.log(`  http://localhost:${port}${STATUS_PATH}`);
  console.log("Ctrl-C stops it. Calls of the cron and what came of them:");
}

async function takeDown(
  surroundings: WahaSnapshot,
  hosted: HostedFunction,
  ticker: CronTicker,
): Promise<void> {
  console.log("Stopping: nothing new is sent, what is under way is settled. Ctrl-C again ends it at once.");
  const [withTimeout] = await Promise.all([hosted.close(STOP_WITHIN_MS), ticker.stop()]);
  if (!withTimeout)
    console.log("A call was cut off. The next pass, wherever it runs, puts right what it left.");
  await closeDatabases();
  const lastWords = await surroundings.stop();
  if (lastWords) console.log(lastWords);
  console.log("Stopped.");
}

function explain(error: unknown): void {
  if (error instanceof ConfigError) {
    console.error(
      "--live needs these settings, in the environment or .env; docs/configuration.md says what each means:",
    );
    for (const { setting, problem } of error.problems) console.error(`  ${setting} ${problem}`);
  } else console.error((error as Error).message);
}
