import { ConnectionString } from "mongodb-connection-string-url";
import { startDatabaseProxy } from "../../chaos/database/proxy.ts";
import { OURS } from "../contenders/catalog.ts";
import type { Contender } from "../contenders/contender.ts";
import { openWahaFor, WEBHOOK_KEY } from "../contest.ts";
import type { Lab } from "../lab/lab.ts";
import { countRounds, Rounds, type Span } from "../lab/rounds.ts";
import type { Waha } from "../lab/waha.ts";
import type { Findings, Scenario } from "../scenario.ts";
import { median, percentile } from "../statistics.ts";
import { createCollections, makeWork, replaceWork } from "../work.ts";

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
    const plain = await look(lab, waha, idlePasses, { database: "idle" });
    const { end, requests, rounds, start, wahaRequests } = plain;
    tell(`${requests} requests in ${rounds} rounds; ${start[1]} rounds before the first POST`);
    const settings = { WAHA_WEBHOOK_KEY: WEBHOOK_KEY };
    const withReceipts = await look(lab, waha, idlePasses, { database: "idle-receipts", settings });
    await waha.stop();
    return {
      tables: [
        {
          title: "An idle pass of a warm instance",
          note: `rounds: how many of its requests wait for one another; times of ${idlePasses} passes`,
          head: ["", "database requests", "rounds", "WAHA requests", "p50", "p99"],
          rows: [
            ["nothing is due", ...cellsOf(plain)],
            ["nothing is due, and receipts are awaited (`WAHA_WEBHOOK_KEY`)", ...cellsOf(withReceipts)],
            ["until the first POST, where 20 sessions have one each", ...start, "", "", ""],
            ["after the last of these is accepted, their campaigns included", ...end, "", "", ""],
          ],
        },
      ],
      figures: {
        ...{ idleRequests: requests, idleRounds: rounds, idleWaha: wahaRequests },
        startRounds: Number(start[1]),
      },
    };
  },
};

/** How many requests, and how many rounds they make, as a table has them. */
function countsOf(spans: Span[]): [requests: string, rounds: string] {
  return [String(spans.length), String(countRounds(spans))];
}

type Idle = Awaited<ReturnType<typeof look>>;

/** The database of a function, and its settings. */
interface Of {
  database: string;
  settings?: NodeJS.ProcessEnv;
}

/** Counts what a pass asks for, and then measures how long passes take. */
async function look(lab: Lab, waha: Waha, passes: number, of: Of) {
  await createCollections(lab.client.db(of.database));
  const counted = await countRequests(lab, waha, of);
  const ours = lab.start(ENTRY, { ...of, waha });
  const times = await timePasses(ours, WARM_UP + passes);
  await ours.end();
  return { ...counted, times };
}

function cellsOf({ requests, rounds, times, wahaRequests }: Idle): string[] {
  return [
    String(requests),
    String(rounds),
    String(wahaRequests),
    `${median(times).toFixed(1)} ms`,
    `${percentile(times, 99).toFixed(1)} ms`,
  ];
}

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
async function countRequests({ client, mongod, start }: Lab, waha: Waha, { database, settings: own }: Of) {
  const watch = new Rounds(DELAY_MS);
  const { hosts } = new ConnectionString(mongod.url(database));
  const proxy = await startDatabaseProxy(hosts, watch);
  const settings = { ...own, DATABASE_URL: proxy.url(database, "bench") };
  const ours = start(ENTRY, { database, waha, settings });
  for (let pass = 0; pass < WARM_UP; pass += 1) await ours.run({ once: true });
  watch.take();
  await waha.listen();
  await ours.run({ once: true });
  const requests = watch.take();
  const { requests: wahaRequests } = await waha.listen();
  await replaceWork(client.db(database), makeWork({ messages: SESSIONS, sessions: SESSIONS }, new Date()));
  watch.take();
  await ours.run({ once: true });
  const { accepted } = await waha.listen();
  const firstAt = Math.min(...accepted.map(({ acceptedAt }) => acceptedAt));
  const lastAt = Math.max(...accepted.map(({ acceptedAt }) => acceptedAt));
  const spans = watch.take();
  await ours.end();
  await proxy.close();
  return {
    requests: requests.length,
    rounds: countRounds(requests),
    wahaRequests,
    start: countsOf(spans.filter(({ to }) => to <= firstAt - performance.timeOrigin)),
    end: countsOf(spans.filter(({ to }) => to > lastAt - performance.timeOrigin)),
  };
}
