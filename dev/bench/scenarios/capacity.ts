import { OURS } from "../contenders/catalog.ts";
import { openWahaFor, WARM_UP_SHARE, WEBHOOK_KEY } from "../contest.ts";
import type { Lab } from "../lab/lab.ts";
import { type Measurement, measure } from "../measure.ts";
import type { Findings, Scenario, Table } from "../scenario.ts";
import { median } from "../statistics.ts";
import { isExact, makeWork } from "../work.ts";

const SESSIONS = [1, 20, 100, 200];
const LATENCIES_MS = [20, 200, 1_000];

/** What a message costs beside WAHA's time, and how many a process sends in a second at most; guesses, for the size of a run. */
const OWN_MS = 10;
const MOST_A_SECOND = 600;

/** How many messages a minute one process sends, by how many sessions have some and how long WAHA takes. */
export const capacity: Scenario = {
  name: "capacity",
  run: async (lab, { capacitySeconds, others }, tell): Promise<Findings> => {
    const cells: Cell[] = [];
    for (const sessions of SESSIONS) {
      for (const latencyMs of LATENCIES_MS) {
        const cell = await fill(lab, { sessions, latencyMs, seconds: capacitySeconds, runs: others });
        cells.push(cell);
        tell(`${nameOf(cell)}: ${aMinute(cell)} a minute`);
      }
    }
    return {
      tables: [tableOf(cells, capacitySeconds)],
      figures: {},
      failures: cells
        .filter((cell) => !cell.runs.every(isExact))
        .map((cell) => `${nameOf(cell)}: not each once`),
    };
  },
};

interface Cell {
  sessions: number;
  latencyMs: number;
  runs: Measurement[];
}

async function fill(
  lab: Lab,
  size: { sessions: number; latencyMs: number; seconds: number; runs: number },
): Promise<Cell> {
  const { latencyMs, runs, seconds, sessions } = size;
  const waha = await openWahaFor({ sessions, latencyMs });
  const database = `capacity-${sessions}-${latencyMs}`;
  const settings = { SESSION_CONCURRENCY: String(sessions), WAHA_WEBHOOK_KEY: WEBHOOK_KEY };
  const contender = lab.start({ name: OURS, program: "ours", args: [] }, { database, waha, settings });
  const aSecond = Math.min(MOST_A_SECOND, (sessions * 1000) / (latencyMs + OWN_MS));
  const messages = Math.max(sessions, Math.round(aSecond * seconds));
  const measured: Measurement[] = [];
  // The first one makes the process warm.
  const warmUp = Math.max(sessions, Math.round(messages * WARM_UP_SHARE));
  for (let run = 0; run <= runs; run += 1) {
    const work = makeWork({ messages: run === 0 ? warmUp : messages, sessions }, new Date());
    const measurement = await measure(lab, { database, waha, contenders: [contender], work });
    if (run > 0) measured.push(measurement);
  }
  await contender.end();
  await waha.stop();
  await lab.client.db(database).dropDatabase();
  return { sessions, latencyMs, runs: measured };
}

function tableOf(cells: Cell[], seconds: number): Table {
  return {
    title: "Messages a minute of one process",
    note: `all due at the start, for about ${seconds} s; no pause between messages, SESSION_CONCURRENCY as many as there are sessions, receipts awaited`,
    head: ["sessions with messages", ...LATENCIES_MS.map((ms) => `WAHA takes ${ms.toLocaleString("en")} ms`)],
    rows: SESSIONS.map((sessions) => [
      String(sessions),
      ...cells.filter((cell) => cell.sessions === sessions).map(aMinute),
    ]),
  };
}

function aMinute({ runs }: Cell): string {
  return Math.round(median(runs.map((run) => (run.messages / run.seconds) * 60))).toLocaleString("en");
}

const nameOf = ({ latencyMs, sessions }: Cell) => `${sessions} sessions at ${latencyMs} ms`;
