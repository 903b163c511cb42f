import { OURS } from "../contenders/catalog.ts";
import { openWahaFor } from "../contest.ts";
import { measure } from "../measure.ts";
import type { Findings, Scenario } from "../scenario.ts";
import { makeWork } from "../work.ts";

const SESSIONS = 20;

/**
 * The heaps that are tried, as Node's options: a small one, which the target is about, since it shows what is needed,
 * and as Node starts by itself: then it lets garbage lie as long as there is room, and a machine has much.
 */
const HEAPS = [
  { name: "a heap of 64 MB", options: "--max-old-space-size=64 --max-semi-space-size=2" },
  { name: "Node's own limits", options: "" },
];

/** What a pass takes that sends very many messages. */
export const memory: Scenario = {
  name: "memory",
  run: async (lab, { inOnePass, heaps }, tell): Promise<Findings> => {
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: 0 });
    const rows: string[][] = [];
    const peaks: number[] = [];
    for (const { name, options } of HEAPS.slice(0, heaps)) {
      const settings = options ? { NODE_OPTIONS: options } : {};
      const place = { database: "memory", waha, settings };
      const ours = lab.start({ name: OURS, program: "ours", args: [] }, place);
      const work = makeWork({ messages: inOnePass, sessions: SESSIONS }, new Date());
      const run = await measure(lab, { database: "memory", waha, contenders: [ours], work, once: true });
      await ours.end();
      peaks.push(run.peakMemory / 2 ** 20);
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
      figures: { memory: peaks[0] ?? Number.NaN },
    };
  },
};
