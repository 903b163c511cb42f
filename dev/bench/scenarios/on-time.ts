import { setTimeout as sleep } from "node:timers/promises";
import type { Collection } from "mongodb";
import type { MessageDocument } from "../../../lib/documents.ts";
import { type PlannedMessage, spreadWorld } from "../../load/world.ts";
import { OURS } from "../contenders/catalog.ts";
import type { Contender } from "../contenders/contender.ts";
import { openWahaFor } from "../contest.ts";
import { allowSeconds } from "../lab/function.ts";
import type { Lab } from "../lab/lab.ts";
import type { Accepted, Waha } from "../lab/waha.ts";
import type { Scale } from "../scale.ts";
import type { Findings, Scenario, Tell } from "../scenario.ts";
import { percentile } from "../statistics.ts";
import { judgeExactness, replaceWork, type Work, workOf } from "../work.ts";

const SESSIONS = 20;
const LATENCY_MS = 20;
const DATABASE = "on-time";

/** One message falls due every so many milliseconds, the first when passes have begun. */
const EVERY_MS = 250;
const FIRST_MS = 5_000;

/** One in so many messages is inserted so shortly before its time. */
const INSERTED_LATE = 4;
const INSERTED_BEFORE_MS = 5_000;

/** What is not sent so long after the last message's time is counted as it stands. */
const PATIENCE_MS = 5_000;

/** The settings of a function that is called every so many seconds and stays; at 60 s those that the README names. */
function stayingSettings(callEvery: number): { maxDuration: number; settings: NodeJS.ProcessEnv } {
  const maxDuration = Math.ceil(callEvery * 1.5);
  return {
    maxDuration,
    settings: {
      PASS_SECONDS: String(maxDuration),
      STAY_SECONDS: String(callEvery * 1.25),
      TAIL_SECONDS: String(callEvery / 6),
    },
  };
}

/** How late messages are that fall due evenly while staying passes take turns. */
export const onTime: Scenario = {
  name: "on-time",
  run: async (lab, scale, tell): Promise<Findings> => {
    const { callEvery } = scale;
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: LATENCY_MS });
    const { maxDuration, settings } = stayingSettings(callEvery);
    const folder = await allowSeconds(lab.functionFolder, maxDuration);
    const place = { database: DATABASE, waha, settings: { ...settings, FUNCTION: folder } };
    const ours = [1, 2].map(() => lab.start({ name: OURS, program: "ours", args: [] }, place));
    // So that no cold start is measured, nor indexes are made.
    const warm = lab.start({ name: OURS, program: "ours", args: [] }, { database: DATABASE, waha });
    await warm.run({ once: true });
    await warm.end();
    const found = await watch(lab, waha, ours, scale, tell);
    for (const contender of ours) await contender.end();
    await waha.stop();
    return found;
  },
};

async function watch(
  { client, counter }: Lab,
  waha: Waha,
  ours: Contender[],
  scale: Scale,
  tell: Tell,
): Promise<Findings> {
  const { callEvery, calls } = scale;
  const began = Date.now() + 1_000;
  const lasts = (calls - 1) * callEvery * 1_000 + FIRST_MS;
  const work = evenWork(began + FIRST_MS, lasts);
  const { early, late } = whenInserted(work);
  const db = client.db(DATABASE);
  await replaceWork(db, { ...work, world: { ...work.world, messages: early } });
  await waha.listen();
  await counter.count();
  const passes = callAgainAndAgain(ours, began, scale, tell);
  const inserting = insertInTime(db.collection<MessageDocument>("messages"), late);
  await sleep(began + FIRST_MS + lasts + PATIENCE_MS - Date.now());
  const { requests } = await counter.count();
  await inserting;
  const { accepted } = await waha.listen();
  return findings({ work, accepted, began, requests, ...passes }, scale);
}

function evenWork(firstDue: number, lasts: number): Work {
  const messages = Math.floor(lasts / EVERY_MS);
  const dueAt = (place: number) => new Date(firstDue + place * EVERY_MS);
  return workOf(spreadWorld({ messages, sessions: SESSIONS, sessionOf: (place) => place % SESSIONS, dueAt }));
}

/** Every message is there from the beginning, or comes late. */
function whenInserted({ world }: Work): { early: PlannedMessage[]; late: PlannedMessage[] } {
  const isLate = (_: PlannedMessage, place: number) => place % INSERTED_LATE === INSERTED_LATE - 1;
  const late = world.messages.filter(isLate);
  const early = world.messages.filter((message) => !late.includes(message));
  return { early, late };
}

async function insertInTime(messages: Collection<MessageDocument>, late: PlannedMessage[]): Promise<void> {
  for (const { document } of late) {
    await sleep(document.scheduledAt.getTime() - INSERTED_BEFORE_MS - Date.now());
    await messages.insertOne(document);
  }
}

/** The calls, as the cron makes them; what became of them is filled in when they are answered. */
function callAgainAndAgain(
  ours: Contender[],
  began: number,
  { callEvery, calls }: Scale,
  tell: Tell,
): { seconds: number[]; problems: string[] } {
  const seconds: number[] = [];
  const problems: string[] = [];
  const callOne = async (call: number) => {
    await sleep(began + call * callEvery * 1_000 - Date.now());
    tell(`call ${call + 1} of ${calls}`);
    const at = performance.now();
    await ours[call % ours.length]?.run({ once: true });
    seconds.push((performance.now() - at) / 1_000);
  };
  for (let call = 0; call < calls; call += 1)
    callOne(call).catch(({ message }: Error) => problems.push(message));
  return { seconds, problems };
}

interface Watched {
  work: Work;
  accepted: Accepted[];
  began: number;
  requests: number;
  /** How long each call took that was answered. */
  seconds: number[];
  problems: string[];
}

function findings({ work, accepted, began, requests, seconds, problems }: Watched, scale: Scale): Findings {
  const { callEvery, calls } = scale;
  const sentAt = new Map(accepted.map(({ text, acceptedAt }) => [text, acceptedAt]));
  const given = Date.now();
  const latenessOf = ({ document: { content, scheduledAt } }: PlannedMessage) =>
    (sentAt.get(content) ?? given) - scheduledAt.getTime();
  // From a twelfth of the time before a call until the pass before it is over, at the latest.
  const isAtSeam = ({ document: { scheduledAt } }: PlannedMessage) => {
    const calls = (scheduledAt.getTime() - began) / (callEvery * 1_000);
    return calls >= 11 / 12 && (calls % 1 >= 11 / 12 || calls % 1 < 1 / 2);
  };
  const { messages } = work.world;
  const late = whenInserted(work).late;
  const all = messages.map(latenessOf);
  const inserted = late.map(latenessOf);
  const seam = messages.filter(isAtSeam).map(latenessOf);
  const ms = (value: number) => `${Math.round(value).toLocaleString("en")} ms`;
  const row = (name: string, own: number[]) => [
    name,
    own.length.toLocaleString("en"),
    ...[50, 99, 100].map((percent) => ms(percentile(own, percent))),
  ];
  const minutes = (messages.length * EVERY_MS) / 60_000;
  const { lost, doubled } = judgeExactness(work, accepted);
  const early = all.filter((lateness) => lateness < 0).length;
  return {
    tables: [
      {
        title: "On time: passes that stay",
        note: `calls every ${callEvery} s, for ${minutes.toFixed(1)} minutes; a message due every ${EVERY_MS} ms over ${SESSIONS} sessions, WAHA takes ${LATENCY_MS} ms; a call took ${percentile(seconds, 50).toFixed(0)} s; ${Math.round(requests / minutes).toLocaleString("en")} database requests a minute; ${lost} not sent when it ended`,
        head: ["lateness of", "messages", "p50", "p99", "most"],
        rows: [
          row("all messages", all),
          row("those inserted 5 s before their time", inserted),
          row("those at the seam between two calls", seam),
        ],
      },
    ],
    figures: {
      onTimeMedian: percentile(all, 50),
      onTimeWorst: percentile(all, 99),
      onTimeInserted: percentile(inserted, 99),
      onTimeSeam: percentile(seam, 99),
    },
    failures: [
      ...problems,
      ...(doubled > 0 ? [`on time: ${doubled} sent twice, in ${calls} calls`] : []),
      ...(early > 0 ? [`on time: ${early} sent before their time`] : []),
    ],
  };
}
