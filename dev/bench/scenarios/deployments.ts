import { OURS } from "../contenders/catalog.ts";
import type { Contender } from "../contenders/contender.ts";
import { openWahaFor, WEBHOOK_KEY } from "../contest.ts";
import type { Lab } from "../lab/lab.ts";
import type { Waha } from "../lab/waha.ts";
import type { Findings, Scenario, Table } from "../scenario.ts";
import { median } from "../statistics.ts";
import { type Exactness, isExact, judgeExactness, makeWork, replaceWork } from "../work.ts";

/** Of each deployment: as many as it serves side by side by default. */
const SESSIONS = 20;
const LATENCY_MS = 200;
const AT_ONCE = [1, 2, 4, 8];

interface Deployment {
  database: string;
  waha: Waha;
  contender: Contender;
}

/** Deployments side by side on one database server, each with a database and a WAHA of its own. */
export const deployments: Scenario = {
  name: "deployments",
  run: async (lab, { messagesAtEase: messages, others }, tell): Promise<Findings> => {
    const all = await Promise.all(
      Array.from({ length: Math.max(...AT_ONCE) }, (_, place) => deploy(lab, place)),
    );
    const runs = new Map(AT_ONCE.map((count) => [count, [] as Sent[]]));
    const failures: string[] = [];
    for (let round = 0; round <= others; round += 1) {
      for (const count of AT_ONCE) {
        const sent = await sendAll(lab, all.slice(0, count), messages);
        if (!sent.heard.every(isExact)) failures.push(`${count} deployments: not each message once`);
        if (round > 0) runs.get(count)?.push(sent);
      }
      if (round > 0) tell(`round ${round} of ${others}`);
    }
    for (const { contender, database, waha } of all) {
      await contender.end();
      await waha.stop();
      await lab.client.db(database).dropDatabase();
    }
    return { tables: [tableOf(runs, messages)], figures: {}, failures };
  },
};

async function deploy(lab: Lab, place: number): Promise<Deployment> {
  const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: LATENCY_MS });
  const database = `deployment-${place}`;
  const settings = { WAHA_WEBHOOK_KEY: WEBHOOK_KEY };
  const contender = lab.start({ name: OURS, program: "ours", args: [] }, { database, waha, settings });
  return { database, waha, contender };
}

/** What all of them came to together. */
interface Sent {
  /** Until the last one had sent all. */
  seconds: number;
  /** Of the functions' processes, and of the database's. */
  cpuSeconds: number;
  databaseCpuSeconds: number;
  heard: Exactness[];
}

/** Lets deployments send at the same time, each its own messages. */
async function sendAll({ client, counter }: Lab, deployed: Deployment[], messages: number): Promise<Sent> {
  const prepared = await Promise.all(
    deployed.map(async (deployment) => {
      const work = makeWork({ messages, sessions: SESSIONS }, new Date());
      await replaceWork(client.db(deployment.database), work);
      return { ...deployment, work };
    }),
  );
  await counter.settle();
  for (const { waha } of prepared) await waha.listen();
  const began = performance.now();
  const reports = await Promise.all(prepared.map(({ contender }) => contender.run()));
  const seconds = (performance.now() - began) / 1000;
  const { cpuSeconds: databaseCpuSeconds } = await counter.count();
  const heard = await Promise.all(
    prepared.map(async ({ waha, work }) => judgeExactness(work, (await waha.listen()).accepted)),
  );
  const cpuSeconds = reports.reduce((sum, report) => sum + report.cpuSeconds, 0);
  return { seconds, cpuSeconds, databaseCpuSeconds, heard };
}

function tableOf(runs: Map<number, Sent[]>, messages: number): Table {
  const rateOf = (count: number) =>
    median((runs.get(count) ?? []).map(({ seconds }) => (count * messages) / seconds));
  return {
    title: "Deployments side by side",
    note: `${messages.toLocaleString("en")} messages over ${SESSIONS} sessions for each, WAHA takes ${LATENCY_MS} ms; a database and a WAHA for each, all on one database server and one machine`,
    head: ["deployments", "messages/s", "of one deployment", "CPU s/1,000", "the database's CPU s/1,000"],
    rows: [...runs].map(([count, own]) => {
      const perThousand = (secondsOf: (run: Sent) => number) =>
        median(own.map((run) => (secondsOf(run) / (count * messages)) * 1000)).toFixed(2);
      return [
        String(count),
        Math.round(rateOf(count)).toLocaleString("en"),
        (rateOf(count) / rateOf(1)).toFixed(2),
        perThousand(({ cpuSeconds }) => cpuSeconds),
        perThousand(({ databaseCpuSeconds }) => databaseCpuSeconds),
      ];
    }),
  };
}
