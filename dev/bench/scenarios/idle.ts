import { ConnectionString } from "mongodb-connection-string-url";
import { startDatabaseProxy } from "../../chaos/database/proxy.ts";
import { OURS } from "../contenders/catalog.ts";
import type { Contender } from "../contenders/contender.ts";
import { openWahaFor } from "../contest.ts";
import type { Lab } from "../lab/lab.ts";
import { Rounds } from "../lab/rounds.ts";
import type { Waha } from "../lab/waha.ts";
import type { Findings, Scenario } from "../scenario.ts";
import { median, percentile } from "../statistics.ts";
import { makeWork, replaceWork } from "../work.ts";

const SESSIONS = 20;
const ENTRY: { name: string; program: "ours"; args: string[] } = { name: OURS, program: "ours", args: [] };

/** How late each request is when rounds are counted, in milliseconds. */
const DELAY_MS = 50;

/** After how many passes an instance has its connections and its indexes. */
export const WARM_UP = 3;

/** A pass of a warm instance that finds nothing to do: the most frequent one. */
export const idle: Scenario = {
  name: "idle",
  run: async (lab, { idlePasses }, tell): Promise<Findings> => {
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: 0 });
    const { requests, rounds, start, wahaRequests } = await countRequests(lab, waha);
    tell(`${requests} requests in ${rounds} rounds; ${start.rounds} rounds before the first POST`);
    const ours = lab.start(ENTRY, { database: "idle", waha });
    const times = await timePasses(ours, WARM_UP + idlePasses);
    await ours.end();
    await waha.stop();
    const row = [
      String(requests),
      String(rounds),
      String(wahaRequests),
      `${median(times).toFixed(1)} ms`,
      `${percentile(times, 99).toFixed(1)} ms`,
    ];
    return {
      tables: [
        {
          title: "An idle pass of a warm instance",
          note: `rounds: how many of its requests wait for one another; times of ${idlePasses} passes`,
          head: ["", "database requests", "rounds", "WAHA requests", "p50", "p99"],
          rows: [
            ["nothing is due", ...row],
            [
              "until the first POST, where 20 sessions have one each",
              `${start.requests}`,
              `${start.rounds}`,
              "",
              "",
              "",
            ],
          ],
        },
      ],
      figures: {
        ...{ idleRequests: requests, idleRounds: rounds, idleWaha: wahaRequests },
        startRounds: start.rounds,
      },
    };
  },
};

/** How long passes take, in milliseconds, the first ones left out. */
async function timePasses(ours: Contender, passes: number): Promise<number[]> {
  const times: number[] = [];
  for (let pass = 0; pass < passes; pass += 1) times.push(await timePass(ours));
  return times.slice(WARM_UP);
}

/** How long one pass takes, in milliseconds. */
export async function timePass(ours: Contender): Promise<number> {
  const began = performance.now();
  await ours.run({ once: true });
  return performance.now() - began;
}

/** What a pass with nothing to do asks for, and one with much to do before its first POST. */
async function countRequests({ client, mongod, start }: Lab, waha: Waha) {
  const watch = new Rounds(DELAY_MS);
  const { hosts } = new ConnectionString(mongod.url("idle"));
  const proxy = await startDatabaseProxy(hosts, watch);
  const settings = { DATABASE_URL: proxy.url("idle", "bench") };
  const ours = start(ENTRY, { database: "idle", waha, settings });
  for (let pass = 0; pass < WARM_UP; pass += 1) await ours.run({ once: true });
  watch.take();
  await waha.listen();
  await ours.run({ once: true });
  const counted = watch.take();
  const { requests: wahaRequests } = await waha.listen();
  await replaceWork(client.db("idle"), makeWork({ messages: SESSIONS, sessions: SESSIONS }, new Date()));
  watch.take();
  await ours.run({ once: true });
  const { accepted } = await waha.listen();
  const firstAt = Math.min(...accepted.map(({ acceptedAt }) => acceptedAt));
  const beforePost = watch.take(firstAt - performance.timeOrigin);
  await ours.end();
  await proxy.close();
  return { ...counted, wahaRequests, start: beforePost };
}
