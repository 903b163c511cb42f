import { ENTRIES, FLOOR, FLOOR_WITH_IDS } from "../contenders/catalog.ts";
import { type Contest, holdContest, type Outcome, oursOf } from "../contest.ts";
import type { Measurement } from "../measure.ts";
import type { Scale } from "../scale.ts";
import type { BarGroup, Findings, Scenario, Table } from "../scenario.ts";
import { median, percentile } from "../statistics.ts";
import type { Figures } from "../targets.ts";

/** All contenders against each other, at one load. */
interface Plan {
  name: string;
  title: string;
  contest(scale: Scale): Contest;
  figures(outcome: Outcome): Figures;
}

/** About what a WAHA nearby takes for a message. */
const LATENCY_MS = 20;

const PLANS: Plan[] = [
  {
    name: "20-sessions-20ms",
    title: "20 sessions, WAHA takes 20 ms",
    contest: ({ messages, repeats, others }) => ({
      ...{ messages, repeats, others, sessions: 20, latencyMs: LATENCY_MS },
    }),
    figures: (outcome) => ({
      ratioAt20ms: ratioTo(FLOOR, oursOf(outcome), outcome),
      requestsWith20: requestsOf(oursOf(outcome)),
    }),
  },
  {
    name: "20-sessions-0ms",
    title: "20 sessions, WAHA answers at once",
    contest: ({ messages, repeats, others }) => ({
      ...{ messages, repeats, others, sessions: 20, latencyMs: 0 },
    }),
    figures: (outcome) => ({
      ratioAt0ms: ratioTo(FLOOR_WITH_IDS, oursOf(outcome), outcome),
    }),
  },
  {
    name: "one-session",
    title: "One session, WAHA takes 20 ms",
    contest: ({ messagesOfOneSession, repeats, others }) => ({
      ...{ messages: messagesOfOneSession, repeats, others, sessions: 1, latencyMs: LATENCY_MS },
    }),
    figures: (outcome) => ({ requestsWithOne: requestsOf(oursOf(outcome)) }),
  },
  {
    name: "hot-session",
    title: "20 sessions, one of them with 80% of the messages, WAHA takes 20 ms",
    contest: ({ messagesWithHotOne }) => ({
      ...{ messages: messagesWithHotOne, repeats: 1, others: 1 },
      ...{ sessions: 20, latencyMs: LATENCY_MS, hotShare: 0.8 },
    }),
    figures: () => ({}),
  },
  {
    name: "200-sessions",
    title: "200 sessions, WAHA takes 20 ms (SESSION_CONCURRENCY is 200)",
    contest: ({ messages, repeats, others }) => ({
      ...{ messages, repeats, others, sessions: 200, latencyMs: LATENCY_MS },
      settings: { SESSION_CONCURRENCY: "200" },
    }),
    figures: () => ({}),
  },
];

export const CONTESTS: Scenario[] = PLANS.map(({ name, title, contest: contestOf, figures }) => ({
  name,
  run: async (lab, scale, tell): Promise<Findings> => {
    const contest = contestOf(scale);
    const outcome = await holdContest(lab, contest, tell);
    return {
      tables: [tableOf(title, contest, outcome)],
      figures: figures(outcome),
      bars: barsOf(title, outcome),
      failures: failuresOf(title, outcome),
    };
  },
}));

const HEAD = [
  "",
  "messages/s",
  "of floor",
  "of floor with ids",
  "database requests/message",
  "WAHA requests/message",
  "lateness p50",
  "p99",
  "peak RSS",
  "CPU s/1,000",
  "",
];

function tableOf(title: string, { messages, repeats, others }: Contest, outcome: Outcome): Table {
  return {
    title,
    note:
      `${messages.toLocaleString("en")} messages, all due at the start; medians of ${repeats} runs` +
      (others < repeats ? `, of the loops and Agenda ${others}` : ""),
    head: HEAD,
    rows: ENTRIES.map(({ name, inSequence }) => {
      const runs = outcome.get(name) ?? [];
      const lateness = (percent: number) =>
        inSequence ? "" : `${Math.round(latenessOf(runs, percent)).toLocaleString("en")} ms`;
      return [
        name,
        Math.round(median(runs.map(rateOf))).toLocaleString("en"),
        ratioTo(FLOOR, runs, outcome).toFixed(2),
        ratioTo(FLOOR_WITH_IDS, runs, outcome).toFixed(2),
        requestsOf(runs).toFixed(2),
        median(runs.map((run) => run.wahaRequests / run.messages)).toFixed(2),
        lateness(50),
        lateness(99),
        `${Math.round(Math.max(...runs.map((run) => run.peakMemory)) / 2 ** 20)} MB`,
        median(runs.map((run) => (run.cpuSeconds / run.messages) * 1000)).toFixed(2),
        exactnessOf(runs),
      ];
    }),
  };
}

const rateOf = ({ messages, seconds }: Measurement) => messages / seconds;

/** How fast, compared with another contender in the same round; the median of all rounds. */
function ratioTo(other: string, runs: Measurement[], outcome: Outcome): number {
  const others = outcome.get(other) ?? [];
  return median(runs.map((run, round) => rateOf(run) / rateOf(others[round] ?? run)));
}

function requestsOf(runs: Measurement[]): number {
  return median(runs.map((run) => run.databaseRequests / run.messages));
}

function latenessOf(runs: Measurement[], percent: number): number {
  return median(
    runs.map(({ sent }) =>
      percentile(
        sent.map(({ latenessMs }) => latenessMs),
        percent,
      ),
    ),
  );
}

function exactnessOf(runs: Measurement[]): string {
  const sum = (field: "lost" | "doubled") => runs.reduce((total, run) => total + run[field], 0);
  const [lost, doubled] = [sum("lost"), sum("doubled")];
  if (lost + doubled === 0) return "each once";
  return [lost > 0 ? `${lost} lost` : "", doubled > 0 ? `${doubled} twice` : ""].filter(Boolean).join(", ");
}

function failuresOf(title: string, outcome: Outcome): string[] {
  return ENTRIES.filter(({ exact }) => exact)
    .map(({ name }) => ({ name, exactness: exactnessOf(outcome.get(name) ?? []) }))
    .filter(({ exactness }) => exactness !== "each once")
    .map(({ name, exactness }) => `${title}: ${name}: ${exactness}`);
}

function barsOf(title: string, outcome: Outcome): BarGroup {
  return {
    title,
    bars: ENTRIES.map(({ name }) => ({ name, value: ratioTo(FLOOR, outcome.get(name) ?? [], outcome) })),
  };
}
