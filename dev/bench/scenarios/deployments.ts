import { OURS } from "../contenders/catalog.ts";
import type { Contender } from "../contenders/contender.ts";
import { openWahaFor } from "../contest.ts";
import type { Lab } from "../lab/lab.ts";
import type { Waha } from "../lab/waha.ts";
import type { Findings, Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";
import { isExact, judgeExactness, makeWork, replaceWork } from "../work.ts";

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
    const rates = new Map(AT_ONCE.map((count) => [count, [] as number[]]));
    const failures: string[] = [];
    for (let round = 0; round <= others; round += 1) {
      for (const count of AT_ONCE) {
        const { heard, seconds } = await sendAll(lab, all.slice(0, count), messages);
        if (!heard.every(isExact)) failures.push(`${count} deployments: not each message once`);
        if (round > 0) rates.get(count)?.push((count * messages) / seconds);
      }
      if (round > 0) tell(`round ${round} of ${others}`);
    }
    for (const { contender, waha } of all) {
      await contender.end();
      await waha.stop();
    }
    return { tables: [tableOf(rates, messages)], figures: {}, failures };
  },
};

async function deploy(lab: Lab, place: number): Promise<Deployment> {
  const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: LATENCY_MS });
  const database = `deployment-${place}`;
  const contender = lab.start({ name: OURS, program: "ours", args: [] }, { database, waha });
  return { database, waha, contender };
}

/** Lets deployments send at the same time, each its own messages. */
async function sendAll({ client, counter }: Lab, deployed: Deployment[], messages: number) {
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
  await Promise.all(prepared.map(({ contender }) => contender.run()));
  const seconds = (performance.now() - began) / 1000;
  const heard = await Promise.all(
    prepared.map(async ({ waha, work }) => judgeExactness(work, (await waha.listen()).accepted)),
  );
  return { seconds, heard };
}

function tableOf(rates: Map<number, number[]>, messages: number) {
  const alone = median(rates.get(1) ?? []);
  return {
    title: "Deployments side by side",
    note: `${messages.toLocaleString("en")} messages over ${SESSIONS} sessions for each, WAHA takes ${LATENCY_MS} ms; a database and a WAHA for each, on one database server`,
    head: ["deployments", "messages/s", "of one deployment"],
    rows: [...rates].map(([count, own]) => [
      String(count),
      Math.round(median(own)).toLocaleString("en"),
      (median(own) / alone).toFixed(2),
    ]),
  };
}
