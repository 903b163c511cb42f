import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { bundle } from "../../host/bundle.ts";
import { type RunningMongod, startMongod } from "../../mongod/start.ts";
import { type Entry, PROGRAMS, type ProgramName, sourceOf } from "../contenders/catalog.ts";
import { Contender } from "../contenders/contender.ts";
import { RequestCounter } from "./counter.ts";
import { type BuiltFunction, buildFunction } from "./function.ts";
import type { Waha } from "./waha.ts";

/** What all scenarios share. */
export interface Lab {
  mongod: RunningMongod;
  /** The bench's own connection, which the counter leaves out. */
  client: MongoClient;
  counter: RequestCounter;
  /** Removed in the end. */
  folder: string;
  /** The function as it is deployed: its folder, and how large it is. */
  functionFolder: string;
  built: BuiltFunction;
  /** Where a program lies, packed. */
  fileOf(program: ProgramName): string;
  /** The settings of a program that works there. */
  settingsFor(place: Place): NodeJS.ProcessEnv;
  start(entry: Pick<Entry, "name" | "program" | "args">, place: Place): Contender;
  close(): Promise<void>;
}

/** Where a contender works. */
interface Place {
  database: string;
  waha: Waha;
  /** More settings, for those who have any. */
  settings?: NodeJS.ProcessEnv;
}

/** No message is missed because the machine is slow: what is measured is how long it takes. */
const LOOKBACK_SECONDS = "86400";

/** Builds everything that is measured, and starts a database for it, on this computer alone. */
export async function openLab(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), "waha-scheduler-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const functionFolder = join(folder, "function");
  const programs = Object.keys(PROGRAMS) as ProgramName[];
  const fileOf = (program: ProgramName) => join(folder, `${program}.mjs`);
  const [built, mongod] = await Promise.all([
    buildFunction(functionFolder),
    startMongod(),
    ...programs.map((program) => bundle(sourceOf(program), fileOf(program))),
  ]);
  const client = new MongoClient(mongod.url(""));
  const settingsFor = ({ database, waha, settings = {} }: Place) => ({
    DATABASE_URL: mongod.url(database),
    WAHA_API_URL: waha.url,
    CRON_SECRET: "a-made-up-secret",
    FUNCTION: functionFolder,
    LOOKBACK_SECONDS,
    ...settings,
  });
  return {
    ...{ mongod, client, folder, functionFolder, built, fileOf, settingsFor },
    counter: new RequestCounter(client),
    start: ({ name, program, args }, place) => new Contender(name, fileOf(program), settingsFor(place), args),
    close: async () => {
      await client.close();
      await mongod.stop();
    },
  };
}
