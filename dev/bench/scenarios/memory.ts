import { readFile } from "node:fs/promises";
import { OURS } from "../contenders/catalog.ts";
import { openWahaFor } from "../contest.ts";
import { measure } from "../measure.ts";
import type { Findings, Scenario } from "../scenario.ts";
import type { Figures } from "../targets.ts";
import { makeWork } from "../work.ts";

const SESSIONS = 20;

const { scripts } = JSON.parse(await readFile(new URL("../../../package.json", import.meta.url), "utf8"));

/**
 * The heaps that are tried, as Node's options: that of `npm start`; as Node starts by itself, which lets garbage lie as
 * long as there is room, and a machine has much; and a small one, which shows what is needed.
 */
const HEAPS = [
  {
    name: "the limits of `npm start`",
    options: scripts.start.match(/--max\S+/g).join(" "),
    figure: "memory",
  },
  { name: "Node's own limits", options: "", figure: "memoryUnlimited" },
  {
    name: "a heap of 64 MB",
    options: "--max-old-space-size=64 --max-semi-space-size=2",
    figure: "memoryOfSmallHeap",
  },
] as const;

/** What a pass takes that sends very many messages. */
export const memory: Scenario = {
  name: "memory",
  run: async (lab, { inOnePass }, tell): Promise<Findings> => {
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: 0 });
    const rows: string[][] = [];
    const figures: Figures = {};
    const failures: string[] = [];
    for (const { name, options, figure } of HEAPS) {
      const settings = options ? { NODE_OPTIONS: options } : {};
      const place = { database: "memory", waha, settings };
      const ours = lab.start({ name: OURS, program: "ours", args: [] }, place);
      const work = makeWork({ messages: inOnePass, sessions: SESSIONS }, new Date());
      const run = await measure(lab, { database: "memory", waha, contenders: [ours], work, once: true });
      await ours.end();
      // A pass that did not get to the end says nothing about the memory of one that does.
      if (run.lost + run.doubled === 0) figures[figure] = run.peakMemory / 2 ** 20;
      else failures.push(`memory, ${name}: ${run.lost} not sent in the pass, ${run.doubled} twice`);
      rows.push([
        name,
        `${Math.round(run.peakMemory / 2 ** 20)} MB`,
        run.messages.toLocaleString("en"),
        `${run.seconds.toFixed(1)} s`,
      ]);
      tell(`${name}: ${rows.at(-1)?.slice(1).join(", ")}`);
    }
    await waha.stop();
    const note = `${inOnePass.toLocaleString("en")} due messages over ${SESSIONS} sessions, WAHA answers at once; the process is new`;
    return {
      tables: [{ title: "Memory of one pass", note, head: ["with", "peak RSS", "sent", "in"], rows }],
      figures,
      failures,
    };
  },
};
