import { styleText } from "node:util";
import Table from "cli-table3";
import { counted } from "../../ops/format.ts";
import { INVARIANTS } from "./check/index.ts";
import { DECISIVE } from "./plan/troubles.ts";
import type { Totals } from "./totals.ts";

/** The whole report of a run, for people. */
export function tellTotals(totals: Totals, points: readonly string[]): string {
  const { rounds, passes, messages, accepted } = totals;
  return [
    `${counted(rounds, "round")}, ${counted(passes, "pass", "passes")} over ${counted(messages, "message")}; WAHA accepted ${accepted}.`,
    `rounds by mapping: ${tellCounts(totals.apps)}`,
    `POSTs by answer: ${tellCounts(totals.posts)}; by kind: ${tellCounts(totals.kinds)}`,
    `messages by end: ${tellCounts(totals.ends)}`,
    `POSTs that outlasted two leases: ${totals.longPosts}; leases that ran out and were taken over: ${totals.takenLeases}`,
    "",
    killTable(totals, points),
    `besides: ${otherActs(totals)}`,
    `of these at what a message depends on: ${otherActs(totals, DECISIVE)}`,
    "",
    invariantTable(totals),
  ].join("\n");
}

/** From this many rounds on each side of each point must have been killed at {@link LEAST_KILLS} times. */
const MANY_ROUNDS = 200;
const LEAST_KILLS = 20;

/** What a run was too short, or too lucky, to put to the test; it must not pass for held. */
export function untested(totals: Totals, points: readonly string[]): string[] {
  const { findings, hits, rounds } = totals;
  if (rounds === 0) return ["no round was played"];
  if (rounds < MANY_ROUNDS) return [];
  return [
    ...[...findings].filter(([, { cases }]) => cases === 0).map(([invariant]) => `${invariant}: no case`),
    ...(totals.longPosts === 0 ? ["no POST outlasted two leases"] : []),
    ...(totals.takenLeases === 0 ? ["no lease ran out and was taken over"] : []),
    ...points.flatMap((point) =>
      ["before", "after"]
        .map((side) => ({ side, kills: killsAt(hits, side, point) }))
        .filter(({ kills }) => kills < LEAST_KILLS)
        .map(({ side, kills }) => `${point}: killed ${kills} times ${side}, not ${LEAST_KILLS}`),
    ),
  ];
}

/** The verdict on a run in which nothing was violated. */
export function tellHeld({ findings }: Totals): string {
  const isWhole = [...findings.values()].every(({ cases }) => cases > 0);
  return isWhole ? "every invariant held" : "every invariant that was put to the test held";
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

/** Everything but the kills, by what it was; at some points only, if they are given. */
function otherActs({ hits }: Totals, at?: readonly string[]): string {
  const acts = new Map<string, number>();
  for (const [hit, times] of hits) {
    const [act = "", side = "", point = ""] = hit.split(" ");
    if (act === "kill" || (at && !at.includes(point))) continue;
    acts.set(`${act} ${side}`, (acts.get(`${act} ${side}`) ?? 0) + times);
  }
  return tellCounts(acts);
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
