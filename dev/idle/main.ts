/** `npm run idle`: measures what a server of one's own takes while there is nothing to send. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { MongoClient } from "mongodb";
import { helpIfAsked } from "../../ops/program.ts";
import packageJson from "../../package.json" with { type: "json" };
import { nextMessage, startChild } from "../host/process.ts";
import { startMongod } from "../mongod/start.ts";
import { startWahaSimulator, type WahaSimulator } from "../waha-simulator/server.ts";
import type { Taken } from "./server.ts";

/** Two passes of a server with the default settings. */
const SECONDS = 60;

/** What it may take: of one core, and of memory. */
const CORE_PERCENT = 1;
const MEMORY_MB = 150;

/** While a pass waits: three of the pool for its looks, and two by which the driver watches the server. */
const CONNECTIONS = 5;

/** By default the scheduler's connections bear this name. */
const APP_NAME = "waha-scheduler";

/** A pass with nothing to do ends well within this time after it asked WAHA for its sessions. */
const PASS_MS = 2_000;

/** How often the connections are counted, in milliseconds. */
const COUNT_EVERY_MS = 1_000;

/** The limits that `npm start` gives Node. */
const LIMITS = packageJson.scripts.start.match(/--max\S+/g)?.join(" ");

/** Where `npm start` has Node keep what it compiled. */
const COMPILED = "node_modules/.cache/node";

const SERVER = fileURLToPath(new URL("server.ts", import.meta.url));

helpIfAsked(`npm run idle

Measures for ${SECONDS} s what a server of one's own takes while there is nothing to send: processor, memory, connections.
It takes no options, and ends with 1 if that is more than it may be.`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exit((await measure()) ? 0 : 1);

/** Measures and tells; gives whether it stays within what it may take. */
async function measure(): Promise<boolean> {
  const mongod = await startMongod();
  const waha = await startWahaSimulator();
  const client = new MongoClient(mongod.url("idle"), { appName: "the measurement" });
  const env = {
    DATABASE_URL: mongod.url("idle"),
    WAHA_API_URL: waha.url,
    CRON_SECRET: "a-made-up-secret",
    PORT: "0",
    NODE_COMPILE_CACHE: COMPILED,
    NODE_OPTIONS: LIMITS,
  };
  // The first start fills Node's cache, the second is as every later one.
  await stop(await startServer(env, waha));
  const server = await startServer(env, waha);
  console.log(`A server with nothing to send, for ${SECONDS} s:`);
  const before = await taken(server);
  const connections = await mostConnections(client);
  const after = await taken(server);
  await stop(server);
  await Promise.all([waha.stop(), client.close()]);
  await mongod.stop();
  return tell(((after.cpu - before.cpu) / 1e6 / SECONDS) * 100, after.peakMemory / 2 ** 20, connections);
}

/** Starts a server; when it is there its first pass, which starts things up, is over. */
async function startServer(env: NodeJS.ProcessEnv, waha: WahaSimulator): Promise<ChildProcess> {
  const looks = waha.requestCount({ route: "sessions" });
  const server = startChild(SERVER, env);
  await waha.received("sessions", looks + 1);
  await sleep(PASS_MS);
  return server;
}

async function stop(server: ChildProcess): Promise<void> {
  server.kill();
  await once(server, "exit");
}

async function taken(server: ChildProcess): Promise<Taken> {
  server.send("what have you taken?");
  return nextMessage<Taken>(server);
}

/** Its connections to the database while nothing happens, and at the most. */
interface Connections {
  usual: number;
  most: number;
}

async function mostConnections(client: MongoClient): Promise<Connections> {
  const counts: number[] = [];
  const until = performance.now() + SECONDS * 1000;
  while (performance.now() < until) {
    counts.push(await countConnections(client));
    await sleep(COUNT_EVERY_MS);
  }
  const usual = counts.toSorted((a, b) => a - b)[Math.floor(counts.length / 2)] ?? 0;
  return { usual, most: Math.max(...counts) };
}

async function countConnections(client: MongoClient): Promise<number> {
  const stages = [
    { $currentOp: { allUsers: true, idleConnections: true } },
    { $match: { appName: APP_NAME } },
  ];
  return (await client.db("admin").aggregate(stages).toArray()).length;
}

function tell(corePercent: number, memoryMB: number, { usual, most }: Connections): boolean {
  console.log(`  processor    ${corePercent.toFixed(1)} % of one core (may be ${CORE_PERCENT} %)`);
  console.log(`  memory       ${Math.round(memoryMB)} MB at the most (may be ${MEMORY_MB} MB)`);
  console.log(
    `  connections  ${usual} to the database as a rule (may be ${CONNECTIONS}), ${most} at the most`,
  );
  return corePercent < CORE_PERCENT && memoryMB < MEMORY_MB && usual <= CONNECTIONS;
}
