import { ENTRIES, FLOOR, OURS, SAFE_FLOOR } from "../contenders/catalog.ts";
import type { Contest, Outcome } from "../contest.ts";
import type { Measurement } from "../measure.ts";
import type { BarGroup, Table } from "../scenario.ts";
import { median, percentile } from "../statistics.ts";

const HEAD = [
  "",
  "messages/s",
  "of floor",
  "of safe floor",
  "DB requests/message",
  "lateness p50",
  "p99",
  "peak RSS",
  "CPU s/1,000",
  "DB CPU s/1,000",
  "",
];

/** What a contest came to, a contender a row. */
export function tableOf(title: string, { messages, repeats, others }: Contest, outcome: Outcome): Table {
  return {
    title,
    note:
      `${messages.toLocaleString("en")} messages, all due at the start; ${repeats === 1 ? "one run" : `medians of ${repeats} runs`}` +
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
        ratioTo(SAFE_FLOOR, runs, outcome).toFixed(2),
        requestsOf(runs).toFixed(2),
        lateness(50),
        lateness(99),
        `${Math.round(Math.max(...runs.map((run) => run.peakMemory)) / 2 ** 20)} MB`,
        perThousand(runs, "cpuSeconds"),
        perThousand(runs, "databaseCpuSeconds"),
        exactnessOf(runs),
      ];
    }),
  };
}

const perThousand = (runs: Measurement[], seconds: "cpuSeconds" | "databaseCpuSeconds") =>
  median(runs.map((run) => (run[seconds] / run.messages) * 1000)).toFixed(2);

const rateOf = ({ messages, seconds }: Measurement) => messages / seconds;

/** How fast, compared with another contender in the same round; the median of all rounds. */
export function ratioTo(other: string, runs: Measurement[], outcome: Outcome): number {
  const others = outcome.get(other) ?? [];
  return median(
    runs.map((run, round) => {
      const other = others[round];
      return other ? rateOf(run) / rateOf(other) : Number.NaN;
    }),
  );
}

/** How this project's rate compares with the fastest of those that keep a session's order, as it does. */
export function leastAheadOf(outcome: Outcome): number {
  const ours = outcome.get(OURS) ?? [];
  const inOrder = ENTRIES.filter(({ inSequence, program }) => inSequence || program === "agenda");
  return Math.min(
    ...inOrder.map(({ name }) => ratioTo(name, ours.slice(0, outcome.get(name)?.length), outcome)),
  );
}

/** Requests to WAHA for each message; the median of all runs. */
export function wahaRequestsOf(runs: Measurement[]): number {
  return median(runs.map((run) => run.wahaRequests / run.messages));
}

/** Database requests for each message; the median of all runs. */
export function requestsOf(runs: Measurement[]): number {
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

/** Who should have sent each message once, and did not. */
export function failuresOf(title: string, outcome: Outcome): string[] {
  return ENTRIES.filter(({ exact }) => exact)
    .map(({ name }) => ({ name, exactness: exactnessOf(outcome.get(name) ?? []) }))
    .filter(({ exactness }) => exactness !== "each once")
    .map(({ name, exactness }) => `${title}: ${name}: ${exactness}`);
}

/** How fast each was, as a share of the floor. */
export function barsOf(title: string, outcome: Outcome): BarGroup {
  return {
    title,
    bars: ENTRIES.map(({ name }) => ({ name, value: ratioTo(FLOOR, outcome.get(name) ?? [], outcome) })),
  };
}
