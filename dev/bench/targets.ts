/** A figure that a target is about, or that is told beside them. */
type FigureName = keyof typeof TARGETS;

/** What was measured; what is missing was not. */
export type Figures = Partial<Record<FigureName, number>>;

/** Of several scenarios, what all of them found; of what each contest has, the least. */
export function mergeFigures(all: Figures[]): Figures {
  const least = all.flatMap(({ leastAhead }) => leastAhead ?? []);
  return { ...Object.assign({}, ...all), ...(least.length > 0 ? { leastAhead: Math.min(...least) } : {}) };
}

interface Target {
  /** What is to be reached, without the number. */
  claim: string;
  /** Neither: it is reported, and held to nothing. */
  atLeast?: number;
  atMost?: number;
  unit?: string;
  digits?: number;
}

/** What the function is to reach. */
const TARGETS = {
  ratioAt20ms: { claim: "20 sessions at 20 ms, ratio to the safe floor", atLeast: 0.9, digits: 3 },
  ratioAt0ms: { claim: "20 sessions at 0 ms, ratio to the safe floor", atLeast: 0.8, digits: 3 },
  ratioAt200ms: { claim: "20 sessions at 200 ms, ratio to the safe floor", atLeast: 0.97, digits: 3 },
  wahaRequestsWith20: { claim: "requests to WAHA per message, 20 sessions", atMost: 1.05, digits: 2 },
  requestsWith20: { claim: "database requests per message, 20 sessions", atMost: 0.25, digits: 2 },
  requestsWithOne: { claim: "database requests per message, one session", atMost: 2.5, digits: 2 },
  leastAhead: {
    claim: "rate over that of the fastest that keeps a session's order, the least of all contests",
    atLeast: 1,
    digits: 2,
  },
  besideHotMedian: {
    claim: "lateness of the others beside a hot session, p50, ratio to without it",
    atMost: 1.1,
    digits: 2,
  },
  besideHotWorst: {
    claim: "lateness of the others beside a hot session, p99, ratio to without it",
    atMost: 1.1,
    digits: 2,
  },
  besideEvents: {
    claim: "sending of npm start beside 5,000 events a minute, ratio to without them",
    atLeast: 0.9,
    digits: 3,
  },
  slowestEvent: { claim: "slowest answer to an event meanwhile", atMost: 1_000, unit: " ms" },
  idleRequests: { claim: "idle warm pass, database requests", atMost: 8 },
  idleRounds: { claim: "idle warm pass, rounds", atMost: 3 },
  startRounds: { claim: "rounds to the database before the first POST of a warm pass", atMost: 8 },
  idleWaha: { claim: "idle warm pass, requests to WAHA", atMost: 2 },
  largeIdle: { claim: "idle pass over a large collection, time over an empty one", atMost: 1.2, digits: 2 },
  largeScans: { claim: "collection scans in passes over a large collection", atMost: 0 },
  deadKeys: {
    claim: "entries of finished messages in the partial indexes, but those of receipts",
    atMost: 0,
  },
  coldStart: { claim: "cold start, from the process's start to the first answer", unit: " ms" },
  deployedSize: { claim: "size of the deployed function", unit: " MB", digits: 1 },
  memory: {
    claim: "RSS at 10,000 messages in one pass, with the limits of npm start",
    atMost: 200,
    unit: " MB",
  },
  memoryUnlimited: { claim: "the same with Node's own limits", unit: " MB" },
  memoryOfSmallHeap: { claim: "the same with a heap of 64 MB, which shows what is needed", unit: " MB" },
  onTimeMedian: { claim: "staying pass, lateness p50", atMost: 250, unit: " ms" },
  onTimeWorst: { claim: "staying pass, lateness p99", atMost: 1_000, unit: " ms" },
  onTimeInserted: {
    claim: "staying pass, lateness p99 of messages inserted 5 s before their time",
    atMost: 1_000,
    unit: " ms",
  },
  onTimeSeam: {
    claim: "staying pass, lateness p99 across the seam between two calls",
    atMost: 1_000,
    unit: " ms",
  },
} as const satisfies Record<string, Target>;

/** How a target stands. */
export interface Standing {
  claim: string;
  /** The limit, in words. */
  limit: string;
  figure: string;
  isMeasured: boolean;
  /** Undefined where it is only reported, or was not measured. */
  reached: boolean | undefined;
}

/** Every target, and how it stands. */
export function standings(figures: Figures): Standing[] {
  return (Object.keys(TARGETS) as FigureName[]).map((name) => standingOf(TARGETS[name], figures[name]));
}

function standingOf(target: Target, figure: number | undefined): Standing {
  const { claim, atLeast, atMost, unit = "", digits = 0 } = target;
  const tell = (value: number) =>
    `${value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}${unit}`;
  const limit =
    atLeast !== undefined
      ? `at least ${tell(atLeast)}`
      : atMost !== undefined
        ? `at most ${tell(atMost)}`
        : "reported";
  if (figure === undefined)
    return { claim, limit, figure: "not measured", isMeasured: false, reached: undefined };
  const isHeld = atLeast !== undefined || atMost !== undefined;
  const within =
    figure >= (atLeast ?? Number.NEGATIVE_INFINITY) && figure <= (atMost ?? Number.POSITIVE_INFINITY);
  return { claim, limit, figure: tell(figure), isMeasured: true, reached: isHeld ? within : undefined };
}
