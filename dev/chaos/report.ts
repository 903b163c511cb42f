import { styleText } from "node:util";
import Table from "cli-table3";
import { INVARIANTS } from "./check/index.ts";
import type { Totals } from "./totals.ts";

/** The whole report of a run, for people. */
export function tellTotals(totals: Totals, points: readonly string[]): string {
  const { rounds, passes, messages, accepted } = totals;
  return [
    `${rounds} rounds, ${passes} passes over ${messages} messages; WAHA accepted ${accepted}.`,
    `POSTs by answer: ${tellCounts(totals.posts)}`,
    `messages by end: ${tellCounts(totals.ends)}`,
    "",
    killTable(totals, points),
    otherActs(totals),
    "",
    invariantTable(totals),
  ].join("\n");
}

/** The least often that any side of any point was killed at. */
export function fewestKills({ hits }: Totals, points: readonly string[]): number {
  return Math.min(
    ...points.flatMap((point) => [killsAt(hits, "before", point), killsAt(hits, "after", point)]),
  );
}

function killsAt(hits: Totals["hits"], side: string, point: string): number {
  return hits.get(`kill ${side} ${point}`) ?? 0;
}

function killTable(totals: Totals, points: readonly string[]): string {
  const table = new Table({ head: ["killed at", "before", "after"], style: { head: [], compact: true } });
  for (const point of points)
    table.push([point, killsAt(totals.hits, "before", point), killsAt(totals.hits, "after", point)]);
  return `${table.toString()}\nfewest kills at a point: ${fewestKills(totals, points)}`;
}

/** Everything but the kills, by what it was. */
function otherActs({ hits }: Totals): string {
  const acts = new Map<string, number>();
  for (const [hit, times] of hits) {
    const [act = "", side = ""] = hit.split(" ");
    if (act !== "kill") acts.set(`${act} ${side}`, (acts.get(`${act} ${side}`) ?? 0) + times);
  }
  return `besides: ${tellCounts(acts)}`;
}

function invariantTable({ findings }: Totals): string {
  const table = new Table({ head: ["invariant", "", "cases", ""], style: { head: [], compact: true } });
  for (const [invariant, { cases, violations }] of findings) {
    table.push([invariant, INVARIANTS[invariant], cases, verdictOf(cases, violations)]);
  }
  return table.toString();
}

/** What nothing put to the test did not hold. */
function verdictOf(cases: number, violations: number): string {
  if (violations > 0) return styleText("red", `${violations} VIOLATED`);
  return cases === 0 ? styleText("yellow", "not tested") : styleText("green", "held");
}

function tellCounts(counts: Map<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}
