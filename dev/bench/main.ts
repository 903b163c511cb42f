/** `npm run bench`: measures the function against what else a user might pick, and against its targets. */
import { cpus, totalmem } from "node:os";
import type { MongoClient } from "mongodb";
import { helpIfAsked } from "../../ops/program.ts";
import { runProgram } from "../host/process.ts";
import { openLab } from "./lab/lab.ts";
import { type Options, readOptions, usage } from "./options.ts";
import { writeDocument } from "./report/document.ts";
import { targetLines, terminalTable } from "./report/terminal.ts";
import { FULL, QUICK } from "./scale.ts";
import type { Findings } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { mergeFigures, standings } from "./targets.ts";

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
helpIfAsked(usage(SCENARIOS.map(({ name }) => name)));
await runProgram(bench);

async function bench(): Promise<number> {
  const names = SCENARIOS.map(({ name }) => name);
  const { quick, only, out } = readOptions(process.argv.slice(2), names);
  const chosen = SCENARIOS.filter(({ name }) => only.length === 0 || only.includes(name));
  if (quick) console.log("A quick run: smaller counts and fewer repeats, so its figures are less exact.");
  console.log("Building the function as Vercel does, starting MongoDB …");
  const lab = await openLab();
  const setting = await settingOf(lab.client, { quick, only });
  const found: Findings[] = [];
  for (const { name, run } of chosen) {
    console.log(`\n${name}`);
    const began = performance.now();
    const tell = (line: string) => console.log(`  ${line}`);
    const findings = await run(lab, quick ? QUICK : FULL, tell).catch((error: Error) => failed(name, error));
    console.log(`  took ${Math.round((performance.now() - began) / 1_000)} s`);
    for (const table of findings.tables) console.log(`\n${terminalTable(table)}`);
    found.push(findings);
  }
  const exitCode = await report(found, setting, out);
  await lab.close();
  return exitCode;
}

/** One scenario that could not be measured takes nothing from the others. */
function failed(name: string, { message }: Error): Findings {
  return { tables: [], figures: {}, failures: [`${name} could not be measured: ${message}`] };
}

/** The machine and the versions, without which figures can't be compared. */
async function settingOf(client: MongoClient, options: Pick<Options, "quick" | "only">): Promise<string> {
  const { version } = await client.db("admin").command({ buildInfo: 1 });
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB`;
  const today = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" }).format(new Date());
  return `Measured on ${today} by \`${commandOf(options)}\` on ${machine}, Node ${process.versions.node}, MongoDB ${version} as a replica set of one node, and the simulated WAHA, all on the same machine.`;
}

/** What gives the figures again. */
function commandOf({ only, quick }: Pick<Options, "quick" | "only">): string {
  const options = [...(quick ? ["--quick"] : []), ...(only.length > 0 ? [`--only ${only.join(",")}`] : [])];
  return ["npm run bench", ...(options.length > 0 ? ["--", ...options] : [])].join(" ");
}

async function report(found: Findings[], setting: string, out: string | undefined): Promise<number> {
  const standing = standings(mergeFigures(found.map(({ figures }) => figures)));
  const failures = found.flatMap((findings) => findings.failures ?? []);
  const bars = found.flatMap((findings) => findings.bars ?? []);
  const tables = found.flatMap((findings) => findings.tables);
  if (out !== undefined) await writeDocument(out, { setting, tables, bars, standings: standing });
  for (const failure of failures) console.error(`\nFAILED: ${failure}`);
  console.log(`\n${setting}\n\n${targetLines(standing)}`);
  return failures.length === 0 ? 0 : 1;
}
