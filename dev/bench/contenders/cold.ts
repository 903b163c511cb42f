/**
 * A cold start of the function, as it is deployed: it is imported, called, and called again. With the argument
 * `connect` the database is connected before the first call, to tell the parts apart.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";

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

const booted = performance.now();
const load = (path: string) => import(pathToFileURL(join(process.env.FUNCTION ?? "", path)).href);
const { GET } = (await load("api/cron.js")) as typeof import("../../../api/cron.ts");
const imported = performance.now();
if (process.argv[2] === "connect") await connect();
const connected = performance.now();
await call();
const answered = performance.now();
await call();
const answeredAgain = performance.now();
const times: ColdStart = { booted, imported, connected, answered, answeredAgain };
process.send?.(times, () => process.exit());

async function connect(): Promise<void> {
  const { openDatabase } = (await load(
    "lib/mongo/client.js",
  )) as typeof import("../../../lib/mongo/client.ts");
  const { parseConfig } = (await load("lib/config.js")) as typeof import("../../../lib/config.ts");
  await openDatabase(parseConfig(process.env)).connect();
}

async function call(): Promise<void> {
  const headers = { authorization: `Bearer ${process.env.CRON_SECRET}` };
  const response = await GET(new Request("http://localhost/api/cron", { headers }));
  if (response.status !== 200) throw new Error(await response.text());
}
