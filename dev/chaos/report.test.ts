import { expect, test } from "vitest";
import { ms, Story } from "../../test/support/chaos-story.ts";
import { INVARIANTS } from "./check/index.ts";
import { fewestKills, tellHeld, tellTotals, untested } from "./report.ts";
import { addRound, noTotals } from "./totals.ts";

const POINTS = ["claim", "intent"];

/** Totals of one round with a message that was sent, and one violation if asked for. */
function totalsOf(hits: [string, number][], violations: number) {
  const { record } = new Story().message("m1").lease(10).claim("m1", 20).intend("m1", 30).post("m1", 40);
  const totals = noTotals();
  const broken = { invariant: "once" as const, what: "", subject: undefined };
  addRound(totals, { record, hits: new Map(hits) }, [
    { invariant: "once", cases: 3, violations: Array.from({ length: violations }, () => broken) },
    { invariant: "order", cases: 0, violations: [] },
  ]);
  return totals;
}

test("a report tells every invariant in words, with its cases and whether it held", () => {
  const report = tellTotals(totalsOf([], 2), POINTS);
  expect(report).toContain("1 round, 0 passes over 1 message;");
  expect(report).toContain("rounds by mapping: 1 plain");
  expect(report).toContain("by kind: 1 text");
  expect(report).toContain(INVARIANTS.once);
  expect(report).toMatch(/once .* 3 .*2 VIOLATED/);
  expect(report).toMatch(/order .* 0 .*not tested/);
  expect(tellTotals(totalsOf([], 0), POINTS)).toMatch(/once .* 3 .*held/);
});

test("a run of which some invariant had no case is not said to have held them all", () => {
  const totals = totalsOf([], 0);
  expect(tellHeld(totals)).toBe("every invariant that was put to the test held");
  totals.findings.delete("order");
  expect(tellHeld(totals)).toBe("every invariant held");
});

test("a report counts the kills on both sides of every point, also where there was none", () => {
  const hits: [string, number][] = [
    ["kill before claim", 4],
    ["kill after claim", 5],
    ["kill before intent", 6],
    ["freeze before intent", 9],
  ];
  const totals = totalsOf(hits, 0);
  const report = tellTotals(totals, POINTS);
  expect(report).toMatch(/claim .* 4 .* 5 /);
  expect(report).toMatch(/intent .* 6 .* 0 /);
  expect(report).toContain("besides: 9 freeze before");
  expect(fewestKills(totals, POINTS)).toBe(0);
});

test("a run says what it did not put to the test: all of it without a round, and after many what was met too seldom", () => {
  expect(untested(noTotals(), POINTS)).toEqual(["no round was played"]);
  const hits: [string, number][] = [
    ["kill before claim", 20],
    ["kill after claim", 19],
    ["kill before intent", 25],
    ["kill after intent", 20],
  ];
  const totals = totalsOf(hits, 0);
  expect(untested(totals, POINTS)).toEqual([]);
  expect(untested({ ...totals, rounds: 200 }, POINTS)).toEqual([
    "order: no case",
    "no POST outlasted two leases",
    "no lease ran out and was taken over",
    "claim: killed 19 times after, not 20",
  ]);
});

test("POSTs that outlast two leases are counted, and leases that run out and are taken over", () => {
  const story = new Story()
    .message("m1")
    .lease(10)
    .post("m1", 40, { endedAt: ms(40_041) })
    .post("m1", 50_000);
  story
    .lease(9_000, "other", 20_000)
    .lease(15_000, "other", -ms(0))
    .lease(16_000, "third")
    .lease(17_000, "pass");
  const totals = noTotals();
  addRound(totals, { record: story.record, hits: new Map() }, []);
  expect(totals).toMatchObject({ longPosts: 1, takenLeases: 2 });
  expect(tellTotals(totals, [])).toContain(
    "POSTs that outlasted two leases: 1; leases that ran out and were",
  );
  story.record.calmFrom = ms(20);
  addRound(totals, { record: story.record, hits: new Map() }, []);
  expect(totals).toMatchObject({ longPosts: 1 });
});
