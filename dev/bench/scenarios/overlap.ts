import { OURS } from "../contenders/catalog.ts";
import { openWahaFor } from "../contest.ts";
import { type Measurement, measure } from "../measure.ts";
import type { Findings, Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";
import { isExact, makeWork } from "../work.ts";

/** As many as eight processes serve side by side, each with the default SESSION_CONCURRENCY. */
const SESSIONS = 160;
const LATENCY_MS = 200;
const AT_ONCE = [1, 2, 4, 8];

/** Several passes at the same time, each in a process of its own, over the same messages. */
export const overlap: Scenario = {
  name: "passes-at-once",
  run: async (lab, { messagesAtEase: messages, others }, tell): Promise<Findings> => {
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: LATENCY_MS });
    const database = "overlap";
    const entry = { name: OURS, program: "ours", args: [] } as const;
    const processes = Array.from({ length: Math.max(...AT_ONCE) }, () =>
      lab.start({ ...entry, args: [...entry.args] }, { database, waha }),
    );
    const runs = new Map(AT_ONCE.map((count) => [count, [] as Measurement[]]));
    for (let round = 0; round <= others; round += 1) {
      for (const count of AT_ONCE) {
        const contenders = processes.slice(0, count);
        const work = makeWork({ messages: messages * count, sessions: SESSIONS }, new Date());
        const run = await measure(lab, { database, waha, contenders, work, once: true, thenRest: true });
        if (round > 0) runs.get(count)?.push(run);
      }
      if (round > 0) tell(`round ${round} of ${others}`);
    }
    for (const process of processes) await process.end();
    await waha.stop();
    return findings(runs, messages);
  },
};

function findings(runs: Map<number, Measurement[]>, messages: number): Findings {
  const rateOf = (run: Measurement) => run.messages / run.seconds;
  const alone = median((runs.get(1) ?? []).map(rateOf));
  return {
    tables: [
      {
        title: "Passes at once",
        note: `${messages.toLocaleString("en")} messages for each pass, over ${SESSIONS} sessions in all; WAHA takes ${LATENCY_MS} ms`,
        head: [
          "passes",
          "messages/s",
          "of one pass",
          "database requests/message",
          "sent by these",
          "in the end",
        ],
        rows: [...runs].map(([count, own]) => [
          String(count),
          Math.round(median(own.map(rateOf))).toLocaleString("en"),
          (median(own.map(rateOf)) / alone).toFixed(2),
          median(own.map((run) => run.databaseRequests / run.messages)).toFixed(2),
          `${Math.round((100 * median(own.map((run) => run.messages))) / (messages * count))}%`,
          own.every(isExact) ? "each once" : "NOT each once",
        ]),
      },
    ],
    figures: {},
    failures: [...runs]
      .filter(([, own]) => !own.every(isExact))
      .map(([count]) => `${count} passes at once: not each message once`),
  };
}
