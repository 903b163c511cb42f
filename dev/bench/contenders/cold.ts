/**
 * A cold start of the function, as it is deployed: it is imported, called, and called again. With the argument
 * `connect` the database is connected before the first call, to tell the parts apart; with `imports` nothing is called,
 * and its packages are imported one by one.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { IMPORTER } from "./importer.ts";

/** When each part was over, in milliseconds since the process began. */
export interface ColdStart {
  booted: number;
  imported: number;
  /** Where the database was not connected apart, that is the same. */
  connected: number;
  answered: number;
  /** The second call, which is a warm one. */
  answeredAgain: number;
}

/** How long each import took, in milliseconds: of packages in this order, and of what is left. */
export type ImportTimes = Record<string, number>;

const PACKAGES = ["mongodb", "zod", "undici", "ky", "pino", "@vercel/functions"];

const booted = performance.now();
const load = (path: string) => import(pathToFileURL(join(process.env.FUNCTION ?? "", path)).href);
const times = process.argv[2] === "imports" ? await importOneByOne() : await startCold();
process.send?.(times, () => process.exit());

async function startCold(): Promise<ColdStart> {
  const { GET } = (await load("api/cron.js")) as typeof import("../../../api/cron.ts");
  const imported = performance.now();
  if (process.argv[2] === "connect") await connect();
  const connected = performance.now();
  await call(GET);
  const answered = performance.now();
  await call(GET);
  return { booted, imported, connected, answered, answeredAgain: performance.now() };
}

async function importOneByOne(): Promise<ImportTimes> {
  const { importPackage } = await load(IMPORTER);
  const spent: ImportTimes = {};
  for (const name of PACKAGES) {
    const began = performance.now();
    await importPackage(name);
    spent[name] = performance.now() - began;
  }
  const began = performance.now();
  await load("api/cron.js");
  return { ...spent, "this project and the rest": performance.now() - began };
}

async function connect(): Promise<void> {
  const { openDatabase } = (await load(
    "lib/mongo/client.js",
  )) as typeof import("../../../lib/mongo/client.ts");
  const { parseConfig } = (await load("lib/config.js")) as typeof import("../../../lib/config.ts");
  await openDatabase(parseConfig(process.env)).connect();
}

async function call(GET: (request: Request) => Promise<Response>): Promise<void> {
  const headers = { authorization: `Bearer ${process.env.CRON_SECRET}` };
  const response = await GET(new Request("http://localhost/api/cron", { headers }));
  if (response.status !== 200) throw new Error(await response.text());
}
