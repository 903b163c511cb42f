import type { AggregateOptions, Document } from "mongodb";
import { addSeconds } from "../../clock.ts";
import type { Database } from "../../mongo/client.ts";
import { isProblemCode, messageOf, type ProblemCode } from "../../problems.ts";
import { ALL_BUCKETS, type Histogram, quantileMs } from "./lateness.ts";
import { MINUTE_IDS, type Minute, minuteOf, OUTCOMES, type Outcome } from "./minutes.ts";

/** Lateness in milliseconds, as near as the histogram tells; null if nothing was sent. */
interface Lateness {
  p50: number | null;
  p99: number | null;
}

/**
 * What the passes that ended within a span of time counted. A pass that died counted nothing. A message that became
 * `unknown` and later `sent` counts as both, as each was true at the time.
 */
export interface Figures extends Record<Outcome, number> {
  passes: number;
  latenessMs: Lateness;
}

/** A problem that passes met within the last day. */
export interface PastProblem {
  code: ProblemCode;
  message: string;
  /** The minute in which a pass met it last. */
  lastAt: Date;
  /** How many passes met it, and how often the last of them did. */
  passes: number;
  count: number;
}

/** The last day, as the passes counted it. */
export interface History {
  hour: Figures;
  day: Figures;
  /** The last hour by the minute, oldest first, the present one included. */
  minutes: (Figures & { at: Date })[];
  /** The latest first. */
  problems: PastProblem[];
}

const HOUR_MINUTES = 60;

/** How many kinds of problems are shown. */
const SHOWN_PROBLEMS = 12;

/** Reads the history in one request. It finds at most one document for each minute of a day, by `_id`. */
export async function readHistory(db: Database, now: Date, limits: AggregateOptions = {}): Promise<History> {
  const hourAgo = addSeconds(minuteOf(now), -(HOUR_MINUTES - 1) * 60);
  const [found] = await db.scheduler
    .aggregate<Found>(
      [
        { $match: { _id: MINUTE_IDS, at: { $gt: addSeconds(now, -24 * 3600), $lte: now } } },
        {
          $facet: {
            day: SUM_STAGES,
            minutes: [{ $match: { at: { $gte: hourAgo } } }, { $sort: { at: 1 } }],
            problems: PROBLEM_STAGES,
          },
        },
      ],
      limits,
    )
    .toArray();
  const { day = [], minutes = [], problems = [] } = found ?? {};
  return {
    hour: figuresOf(minutes),
    day: figuresOf(day),
    minutes: everyMinute(hourAgo, minutes),
    problems: problems
      .filter(({ code }) => isProblemCode(code))
      .map((each) => ({ ...each, message: messageOf(each.code) })),
  };
}

type Counted = Pick<Minute, Outcome | "passes" | "lateness" | "latestMs">;

interface Found {
  day: Counted[];
  minutes: (Counted & { at: Date })[];
  problems: Omit<PastProblem, "message">[];
}

const COUNTS = ["passes", ...OUTCOMES] as const;

const SUM_STAGES: Document[] = [
  {
    $group: {
      _id: null,
      ...Object.fromEntries(COUNTS.map((name) => [name, { $sum: `$${name}` }])),
      latestMs: { $max: "$latestMs" },
      ...Object.fromEntries(ALL_BUCKETS.map((bucket) => [bucket, { $sum: `$lateness.${bucket}` }])),
    },
  },
  { $addFields: { lateness: Object.fromEntries(ALL_BUCKETS.map((bucket) => [bucket, `$${bucket}`])) } },
];

const PROBLEM_STAGES: Document[] = [
  { $match: { problems: { $type: "object" } } },
  { $sort: { at: 1 } },
  { $project: { at: 1, problem: { $objectToArray: "$problems" } } },
  { $unwind: "$problem" },
  {
    $group: {
      _id: "$problem.k",
      lastAt: { $last: "$at" },
      count: { $last: "$problem.v.count" },
      passes: { $sum: "$problem.v.passes" },
    },
  },
  { $sort: { lastAt: -1, _id: 1 } },
  { $limit: SHOWN_PROBLEMS },
  { $project: { _id: 0, code: "$_id", lastAt: 1, count: 1, passes: 1 } },
];

/** Every minute of the hour, also those in which no pass ended. */
function everyMinute(from: Date, found: Found["minutes"]): History["minutes"] {
  const byTime = new Map(found.map((minute) => [minute.at.getTime(), minute]));
  return Array.from({ length: HOUR_MINUTES }, (_, place) => {
    const at = addSeconds(from, place * 60);
    const minute = byTime.get(at.getTime());
    return { at, ...figuresOf(minute ? [minute] : []) };
  });
}

/** Adds up what was counted. */
function figuresOf(counted: Counted[]): Figures {
  const sum = (name: (typeof COUNTS)[number]) =>
    counted.reduce((total, each) => total + (each[name] ?? 0), 0);
  const lateness: Histogram = {};
  for (const bucket of ALL_BUCKETS)
    lateness[bucket] = counted.reduce((total, each) => total + (each.lateness?.[bucket] ?? 0), 0);
  const latest = counted.flatMap((each) => each.latestMs ?? []);
  const latestMs = latest.length > 0 ? Math.max(...latest) : undefined;
  return {
    passes: sum("passes"),
    sent: sum("sent"),
    failed: sum("failed"),
    missed: sum("missed"),
    unknown: sum("unknown"),
    latenessMs: { p50: quantileMs(lateness, 0.5, latestMs), p99: quantileMs(lateness, 0.99, latestMs) },
  };
}
