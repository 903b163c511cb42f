import { OURS } from "../contenders/catalog.ts";
import { openWahaFor } from "../contest.ts";
import { type Measurement, measure } from "../measure.ts";
import type { Findings, Scenario } from "../scenario.ts";
import { median, percentile } from "../statistics.ts";
import { makeWork, type Work } from "../work.ts";

const SESSIONS = 20;
const LATENCY_MS = 20;
const MESSAGES = 2_000;
const HOT_SHARE = 0.8;

/** Long enough for all but the hot session to be done several times over; that one is left unfinished. */
const SETTINGS = { PASS_SECONDS: "4", TAIL_SECONDS: "1" };

/** Whether one session with far more to send than the others keeps them waiting. */
export const besideHot: Scenario = {
  name: "beside-hot",
  run: async (lab, { hotRepeats }, tell): Promise<Findings> => {
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: LATENCY_MS });
    const database = "beside-hot";
    const ours = lab.start({ name: OURS, program: "ours", args: [] }, { database, waha, settings: SETTINGS });
    const lateness = { beside: [] as number[][], without: [] as number[][] };
    const failures: string[] = [];
    for (let round = 0; round <= hotRepeats; round += 1) {
      for (const kind of ["without", "beside"] as const) {
        const all = makeWork({ messages: MESSAGES, sessions: SESSIONS, hotShare: HOT_SHARE }, new Date());
        const hot = all.world.sessions[0]?.name ?? "";
        const work = kind === "beside" ? all : withoutSession(all, hot);
        const run = await measure(lab, { database, waha, contenders: [ours], work, once: true });
        if (run.doubled > 0) failures.push(`beside-hot: ${run.doubled} sent twice`);
        if (round > 0) lateness[kind].push(othersOf(run, hot, work));
      }
      if (round > 0) tell(`round ${round} of ${hotRepeats}`);
    }
    await ours.end();
    await waha.stop();
    return { ...findings(lateness), failures };
  },
};

function withoutSession({ world, texts }: Work, name: string): Work {
  const messages = world.messages.filter(({ session }) => session !== name);
  return { world: { ...world, messages }, texts: texts.filter(({ session }) => session !== name) };
}

/** One that was not sent is as late as the pass was long, at least. */
function othersOf({ sent, seconds }: Measurement, hot: string, { texts }: Work): number[] {
  const others = sent.filter(({ session }) => session !== hot).map(({ latenessMs }) => latenessMs);
  const planned = texts.filter(({ session }) => session !== hot).length;
  return [...others, ...Array<number>(Math.max(0, planned - others.length)).fill(seconds * 1000)];
}

function findings(lateness: Record<"beside" | "without", number[][]>): Findings {
  const tell = (runs: number[][], percent: number) => median(runs.map((run) => percentile(run, percent)));
  const row = (name: string, runs: number[][]) => [
    name,
    ...[50, 99].map((percent) => `${Math.round(tell(runs, percent))} ms`),
  ];
  const ratio = (percent: number) => tell(lateness.beside, percent) / tell(lateness.without, percent);
  return {
    tables: [
      {
        title: "The other sessions, beside a hot one and without it",
        note: `${MESSAGES.toLocaleString("en")} messages over ${SESSIONS} sessions, ${HOT_SHARE * 100}% of them on one; WAHA takes ${LATENCY_MS} ms; medians of ${lateness.beside.length} runs`,
        head: ["lateness of the others", "p50", "p99"],
        rows: [row("without the hot session", lateness.without), row("beside it", lateness.beside)],
      },
    ],
    figures: { besideHotMedian: ratio(50), besideHotWorst: ratio(99) },
  };
}
