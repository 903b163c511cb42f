import type { Db } from "mongodb";
import { seed } from "../../load/seed.ts";
import { OURS } from "../contenders/catalog.ts";
import type { Contender } from "../contenders/contender.ts";
import { openWahaFor, WEBHOOK_KEY } from "../contest.ts";
import type { Lab } from "../lab/lab.ts";
import { fillHistory, type IndexSize, weighIndexes } from "../lab/large.ts";
import type { Waha } from "../lab/waha.ts";
import { type Measurement, measure } from "../measure.ts";
import type { Scale } from "../scale.ts";
import type { Findings, Scenario, Table, Tell } from "../scenario.ts";
import { median } from "../statistics.ts";
import { createCollections, makeWork, replaceWork, type Work } from "../work.ts";
import { timePass, WARM_UP } from "./idle.ts";

const SESSIONS = 20;
const LATENCY_MS = 20;

/** One of the two databases, and what passes over it came to. */
interface Side {
  name: string;
  database: string;
  ours: Contender;
  fill: (db: Db, work: Work) => Promise<void>;
  idleMs: number[];
  scans: number;
  requests: number;
  runs: Measurement[];
}

/** Whether passes over a collection that has grown for years take longer than over an empty one. */
export const large: Scenario = {
  name: "large",
  run: async (lab, scale, tell): Promise<Findings> => {
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: LATENCY_MS });
    const db = lab.client.db("large-full");
    await fillHistory(db, scale);
    tell(`${(scale.sent + scale.future).toLocaleString("en")} messages are there`);
    const sizes = await weighIndexes(db);
    tell("the indexes are weighed");
    await createCollections(lab.client.db("large-empty"));
    const sides = [
      sideOf(lab, waha, "an empty collection", "large-empty", replaceWork),
      sideOf(lab, waha, "the large one", "large-full", (full, { world }) => seed(full, world)),
    ];
    await runIdle(lab, sides, scale.idlePasses);
    await runSending(lab, waha, sides, scale, tell);
    for (const { ours } of sides) await ours.end();
    await waha.stop();
    await db.dropDatabase();
    return findings(sides, sizes, scale);
  },
};

function sideOf(lab: Lab, waha: Waha, name: string, database: string, fill: Side["fill"]): Side {
  const settings = { WAHA_WEBHOOK_KEY: WEBHOOK_KEY };
  const ours = lab.start({ name: OURS, program: "ours", args: [] }, { database, waha, settings });
  return { name, database, ours, fill, idleMs: [], scans: 0, requests: 0, runs: [] };
}

/** Takes turns, so that what the machine does meanwhile meets both. */
async function runIdle({ counter }: Lab, sides: Side[], passes: number): Promise<void> {
  for (let pass = 0; pass < WARM_UP + passes; pass += 1) {
    for (const side of sides) {
      await counter.count();
      const ms = await timePass(side.ours);
      const { requests, collectionScans } = await counter.count();
      if (pass < WARM_UP) continue;
      side.idleMs.push(ms);
      side.scans += collectionScans;
      side.requests += requests;
    }
  }
}

async function runSending(
  lab: Lab,
  waha: Waha,
  sides: Side[],
  { messages, others }: Scale,
  tell: Tell,
): Promise<void> {
  for (let round = 0; round < others; round += 1) {
    for (const side of sides) {
      const { database } = side;
      const work = makeWork({ messages, sessions: SESSIONS }, new Date());
      const run = await measure(lab, { database, waha, contenders: [side.ours], work, fill: side.fill });
      side.runs.push(run);
      side.scans += run.collectionScans;
    }
    tell(`round ${round + 1} of ${others}`);
  }
}

function findings(sides: Side[], sizes: IndexSize[], scale: Scale): Findings {
  const [empty, full] = sides.map(({ idleMs }) => median(idleMs));
  const ofOpenWork = sizes.filter(({ isOfReceipts }) => !isOfReceipts);
  const keys = ofOpenWork.reduce((sum, size) => sum + size.keys, 0);
  return {
    tables: [sidesTable(sides, scale), sizesTable(sizes, scale)],
    figures: {
      largeIdle: (full ?? Number.NaN) / (empty ?? Number.NaN),
      largeScans: sides.reduce((sum, { scans }) => sum + scans, 0),
      deadKeys: keys - scale.future,
    },
    failures: sides
      .filter(({ runs }) => runs.some(({ lost, doubled }) => lost + doubled > 0))
      .map(({ name }) => `${name}: not each message once`),
  };
}

function sidesTable(sides: Side[], { sent, future, messages, idlePasses }: Scale): Table {
  return {
    title: "A large collection and an empty one",
    note: `${sent.toLocaleString("en")} sent and ${future.toLocaleString("en")} future messages; receipts are awaited, those of the last week; idle passes: medians of ${idlePasses}; sending: ${messages.toLocaleString("en")} messages over ${SESSIONS} sessions, WAHA takes ${LATENCY_MS} ms`,
    head: ["", "idle pass", "requests", "collection scans", "messages/s", "database requests/message"],
    rows: sides.map(({ name, idleMs, requests, scans, runs }) => [
      name,
      `${median(idleMs).toFixed(1)} ms`,
      (requests / idleMs.length).toFixed(1),
      String(scans),
      Math.round(median(runs.map((run) => run.messages / run.seconds))).toLocaleString("en"),
      median(runs.map((run) => run.databaseRequests / run.messages)).toFixed(2),
    ]),
  };
}

function sizesTable(sizes: IndexSize[], { sent, future }: Scale): Table {
  const kB = (bytes: number) => `${Math.round(bytes / 1024).toLocaleString("en")} kB`;
  return {
    title: "Partial indexes, and full ones of the same keys",
    note: `on the messages collection with ${sent.toLocaleString("en")} sent and ${future.toLocaleString("en")} future messages`,
    head: ["index", "entries", "size", "size of a full one"],
    rows: sizes.map(({ name, keys, partialBytes, fullBytes }) => [
      name,
      keys.toLocaleString("en"),
      kB(partialBytes),
      kB(fullBytes),
    ]),
  };
}
