import type { PlannedMessage } from "../../load/world.ts";
import type { Accepted } from "../lab/waha.ts";
import type { Findings, Table } from "../scenario.ts";
import { percentile } from "../statistics.ts";
import { judgeExactness, type Work } from "../work.ts";
import { EVERY_MS, LATENCY_MS, SESSIONS, whenInserted } from "./on-time-work.ts";

/** What was seen of passes that stay. */
export interface Watched {
  work: Work;
  accepted: Accepted[];
  /** When the first call was made, in milliseconds since 1970, and how many seconds after it each next one. */
  began: number;
  callEvery: number;
  /** When it was over, in milliseconds since 1970: a message not sent by then is at least that late. */
  ended: number;
  /** To the database, by all passes. */
  requests: number;
  /** How long each call took that was answered. */
  seconds: number[];
  /** Why calls failed. */
  problems: string[];
}

/** How far a seam reaches before and after its moment, in seconds. */
const SEAM_BEFORE = 1;
const SEAM_AFTER = 3;

/** How late messages were, in milliseconds. */
interface Lateness {
  all: number[];
  inserted: number[];
  seam: number[];
}

export function findings(watched: Watched): Findings {
  const { work, accepted, problems } = watched;
  const lateness = latenessOf(watched);
  const { doubled } = judgeExactness(work, accepted);
  const early = lateness.all.filter((ms) => ms < 0).length;
  return {
    tables: [tableOf(watched, lateness)],
    figures: {
      onTimeMedian: percentile(lateness.all, 50),
      onTimeWorst: percentile(lateness.all, 99),
      onTimeInserted: percentile(lateness.inserted, 99),
      onTimeSeam: percentile(lateness.seam, 99),
    },
    failures: [
      ...problems,
      ...(doubled > 0 ? [`on time: ${doubled} sent twice`] : []),
      ...(early > 0 ? [`on time: ${early} sent before their time`] : []),
    ],
  };
}

function latenessOf({ work, accepted, began, callEvery, ended, seconds }: Watched): Lateness {
  const sentAt = new Map(accepted.map(({ text, acceptedAt }) => [text, acceptedAt]));
  const lateness = ({ document: { content, scheduledAt } }: PlannedMessage) =>
    (sentAt.get(content) ?? ended) - scheduledAt.getTime();
  // Where a pass begins beside the one before, and where that one ends.
  const passSeconds = percentile(seconds, 50);
  const isAtSeam = ({ document: { scheduledAt } }: PlannedMessage) => {
    const at = (scheduledAt.getTime() - began) / 1_000;
    const sinceCall = (at + SEAM_BEFORE) % callEvery;
    const sinceEnd = (at - passSeconds + SEAM_BEFORE) % callEvery;
    const isIn = (since: number) => since >= 0 && since < SEAM_BEFORE + SEAM_AFTER;
    return at > callEvery - SEAM_BEFORE && (isIn(sinceCall) || isIn(sinceEnd));
  };
  const { messages } = work.world;
  return {
    all: messages.map(lateness),
    inserted: whenInserted(work).late.map(lateness),
    seam: messages.filter(isAtSeam).map(lateness),
  };
}

function tableOf({ work, accepted, callEvery, requests, seconds }: Watched, lateness: Lateness): Table {
  const minutes = (work.texts.length * EVERY_MS) / 60_000;
  const row = (name: string, own: number[]) => [
    name,
    own.length.toLocaleString("en"),
    ...[50, 99, 100].map((percent) => `${Math.round(percentile(own, percent)).toLocaleString("en")} ms`),
  ];
  return {
    title: "On time: passes that stay",
    note: [
      `calls every ${callEvery} s, for ${minutes.toFixed(1)} minutes`,
      `a message due every ${EVERY_MS} ms over ${SESSIONS} sessions, WAHA takes ${LATENCY_MS} ms`,
      `a call took ${percentile(seconds, 50).toFixed(0)} s`,
      `${Math.round(requests / minutes).toLocaleString("en")} database requests a minute`,
      `${judgeExactness(work, accepted).lost} not sent when it ended`,
    ].join("; "),
    head: ["lateness of", "messages", "p50", "p99", "most"],
    rows: [
      row("all messages", lateness.all),
      row("those inserted 5 s before their time", lateness.inserted),
      row("those at the seam between two calls", lateness.seam),
    ],
  };
}
