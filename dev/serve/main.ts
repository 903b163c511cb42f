/** `npm run dev`: serves the function on this computer, and calls it as the platform's cron does. */
import { ConfigError } from "../../lib/errors.ts";
import { closeDatabases } from "../../lib/mongo/client.ts";
import { helpIfAsked, loadEnvFile, stopOnSignal, tellWrongSettings } from "../../ops/program.ts";
import { STATUS_PATH } from "../../ops/server/http.ts";
import { CRON_PATH, CRON_SCHEDULE } from "../../ops/server/settings.ts";
import { writeForPeople } from "../../ops/server/terminal.ts";
import { type HostedFunction, hostFunction } from "../host/function.ts";
import { requireFreePort } from "../mongod/port.ts";
import { live } from "./live.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { type PassTimer, startPassTimer } from "./pass-timer.ts";
import { type Backend, simulate } from "./simulated.ts";

/** A pass that was asked to stop needs no longer, unless WAHA is slow. */
const STOP_WITHIN_MS = 10_000;

helpIfAsked(USAGE);
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
  const backend = options.live ? live(process.env) : await simulate(process.env, options.documents);
  const hosted = await hostFunction(backend.env, options.port);
  backend.listen(hosted.webhookUrl);
  introduce(backend, hosted);
  const passTimer = startPassTimer(hosted.url, backend.env.CRON_SECRET?.trim() ?? "");
  stopOnSignal(() => takeDown(backend, hosted, passTimer));
  if (backend.callAtOnce) passTimer.callNow();
}

function introduce({ lines, shownSecret }: Backend, { port }: HostedFunction): void {
  const url = `http://localhost:${port}${CRON_PATH}`;
  for (const line of lines) console.log(line);
  console.log(`Serving ${url}, called on vercel.json's schedule (${CRON_SCHEDULE}). To call it yourself:`);
  console.log(`  curl -H "Authorization: Bearer ${shownSecret}" ${url}`);
  console.log("What goes on there, in a browser (any user name, the secret as the password):");
  console.log(`  http://localhost:${port}${STATUS_PATH}`);
  console.log("Ctrl-C stops it. Calls of the cron and what came of them:");
}

async function takeDown(backend: Backend, hosted: HostedFunction, passTimer: PassTimer): Promise<void> {
  console.log("Stopping: nothing new is sent, what is under way is settled. Ctrl-C again ends it at once.");
  const [allAnswered] = await Promise.all([hosted.close(STOP_WITHIN_MS), passTimer.stop()]);
  if (!allAnswered)
    console.log("A call was cut off. The next pass, wherever it runs, puts right what it left.");
  await closeDatabases();
  const lastWords = await backend.stop();
  if (lastWords) console.log(lastWords);
  console.log("Stopped.");
}

function explain(error: unknown): void {
  if (error instanceof ConfigError) tellWrongSettings("Settings for --live are wrong", error);
  else console.error((error as Error).message);
}
