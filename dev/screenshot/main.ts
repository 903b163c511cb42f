/** `npm run screenshot`: the picture of the status page in the README, of a simulated world at work. */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { closeDatabases } from "../../lib/mongo/client.ts";
import { STATUS_PATH } from "../../ops/server/http.ts";
import { callCron } from "../host/call.ts";
import { hostFunction } from "../host/function.ts";
import { simulate } from "../serve/simulated.ts";
import { findChromium, NO_CHROMIUM, pictureOptions, runChromium } from "./chromium.ts";
import { fillWorld } from "./world.ts";

const PICTURE = join(import.meta.dirname, "../../docs/status.png");
const WIDTH = 1060;
const HEIGHT = 1430;

/** When the picture is taken, counted from the start of the pass that sends the campaign. */
const INTO_PASS_MS = 18_000;

const chromium = findChromium(process.env);
if (chromium) await takePicture(chromium);
else {
  console.error(`No picture taken: ${NO_CHROMIUM}.`);
  process.exitCode = 1;
}

async function takePicture(program: string): Promise<void> {
  const backend = await simulate(process.env, "plain");
  const { env } = backend;
  const secret = env.CRON_SECRET ?? "";
  const hosted = await hostFunction(env);
  try {
    await callCron(hosted.url, secret);
    await fillWorld(env.DATABASE_URL ?? "", new Date());
    const pass = callCron(hosted.url, secret);
    await sleep(INTO_PASS_MS);
    const url = `http://user:${secret}@127.0.0.1:${hosted.port}${STATUS_PATH}`;
    await runChromium(program, url, pictureOptions(PICTURE, WIDTH, HEIGHT));
    console.log(`Taken: ${PICTURE}`);
    const closed = hosted.close(10_000);
    await pass;
    await closed;
  } finally {
    await closeDatabases();
    await backend.stop();
  }
}
