import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nextMessage, startChild } from "../../host/process.ts";
import type { ColdStart, ImportTimes } from "../contenders/cold.ts";
import { IMPORTER, IMPORTER_SOURCE } from "../contenders/importer.ts";
import { openWahaFor } from "../contest.ts";
import type { Lab } from "../lab/lab.ts";
import type { Waha } from "../lab/waha.ts";
import type { Findings, Scenario, Table } from "../scenario.ts";
import { median } from "../statistics.ts";

const SESSIONS = 20;

/** How often each is started before it counts, so that the caches are full. */
const PRIMED = 1;

/** The first call of a new process, part by part. */
export const coldStart: Scenario = {
  name: "cold-start",
  run: async (lab, { coldStarts }, tell): Promise<Findings> => {
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: 0 });
    const caches = [
      { name: "without a compile cache", settings: {} },
      {
        name: "with Node's compile cache",
        settings: { NODE_COMPILE_CACHE: join(lab.folder, "compile-cache") },
      },
    ];
    const rows: string[][] = [];
    const totals: number[] = [];
    for (const { name, settings } of caches) {
      const whole: ColdStart[] = [];
      const apart: ColdStart[] = [];
      for (let round = 0; round < PRIMED + coldStarts; round += 1) {
        const first = await startCold(lab, waha, settings, []);
        const second = await startCold(lab, waha, settings, ["connect"]);
        if (round < PRIMED) continue;
        whole.push(first);
        apart.push(second);
      }
      rows.push(rowOf(name, whole, apart));
      totals.push(median(whole.map(({ answered }) => answered)));
      tell(`${name}: ${Math.round(totals.at(-1) ?? Number.NaN)} ms`);
    }
    const imports = await importCold(lab, waha, coldStarts);
    await waha.stop();
    const note = `a new process until its first answer, nothing being due; medians of ${coldStarts}; the pass of "all" connects by itself; the next pass also waits for the alerts' code, which is loaded after the answer`;
    const head = ["", "Node's start", "import", "connect", "pass", "all", "the next pass"];
    return {
      tables: [{ title: "Cold start", note, head, rows }, imports],
      figures: { coldStart: totals[0] ?? Number.NaN },
    };
  },
};

/** What the import consists of, without a compile cache. */
async function importCold(lab: Lab, waha: Waha, times: number): Promise<Table> {
  await writeFile(join(lab.functionFolder, IMPORTER), IMPORTER_SOURCE);
  const runs: ImportTimes[] = [];
  for (let round = 0; round < PRIMED + times; round += 1) {
    const run = await startCold<ImportTimes>(lab, waha, {}, ["imports"]);
    if (round >= PRIMED) runs.push(run);
  }
  return {
    title: "What a cold start imports",
    note: `one by one, so that what two packages share counts for the first; without a compile cache; medians of ${times}`,
    head: ["", "import"],
    rows: Object.keys(runs[0] ?? {}).map((name) => [
      name,
      `${Math.round(median(runs.map((run) => run[name] ?? Number.NaN)))} ms`,
    ]),
  };
}

async function startCold<T = ColdStart>(
  lab: Lab,
  waha: Waha,
  settings: NodeJS.ProcessEnv,
  args: string[],
): Promise<T> {
  const env = lab.settingsFor({ database: "cold", waha, settings });
  const child = startChild(lab.fileOf("cold"), env, args);
  const gone = once(child, "exit");
  const times = await nextMessage<T>(child);
  await gone;
  return times;
}

function rowOf(name: string, whole: ColdStart[], apart: ColdStart[]): string[] {
  const part = (runs: ColdStart[], from: keyof ColdStart, to: keyof ColdStart) =>
    `${Math.round(median(runs.map((run) => run[to] - run[from])))} ms`;
  return [
    name,
    `${Math.round(median(whole.map(({ booted }) => booted)))} ms`,
    part(whole, "booted", "imported"),
    part(apart, "imported", "connected"),
    part(apart, "connected", "answered"),
    `${Math.round(median(whole.map(({ answered }) => answered)))} ms`,
    part(whole, "answered", "answeredAgain"),
  ];
}
