import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../lib/config.ts";
import { lifetimesOf } from "../lifetimes.ts";
import { readOptions } from "../options.ts";
import { ALL_POINTS } from "../run.ts";
import { planRound, type RoundPlan } from "./plan.ts";
import { ROLES } from "./world.ts";

const plans = (seed: string, count: number) =>
  Array.from({ length: count }, (_, round) => planRound(seed, round, ALL_POINTS));

const killsOf = ({ triggers }: RoundPlan) => triggers.filter(({ act }) => act.type === "kill");

describe("a plan", () => {
  test("is the same for the same seed and round, and another for any other", () => {
    expect(plans("a", 5)).toEqual(plans("a", 5));
    const all = [...plans("a", 5), ...plans("b", 5)].map((plan) => JSON.stringify({ ...plan, seed: "" }));
    expect(new Set(all).size).toBe(10);
  });

  test("has every kind of message, so that every step of a pass has something to do", () => {
    for (const { world } of plans("roles", 20))
      expect(new Set(world.messages.map(({ role }) => role))).toEqual(new Set(ROLES));
  });

  test("has the primary step down only where there are other nodes, and there always", () => {
    const all = plans("failover", 100);
    for (const { failover, events } of all)
      expect(events.some(({ type }) => type === "step-down")).toBe(failover);
    expect(new Set(all.map(({ failover }) => failover))).toEqual(new Set([true, false]));
  });

  test("has the dashboard's names in every third round, and kills at its groups nowhere else", () => {
    const all = plans("names", 60);
    const isDashboard = ({ documents }: RoundPlan) => documents === "whatsapp-waha-dashboard";
    expect(all.filter(isDashboard).map(({ round }) => round)).toEqual(
      Array.from({ length: 20 }, (_, third) => third * 3 + 2),
    );
    const killsAtGroups = all.filter((plan) => killsOf(plan).some(({ point }) => point === "find-groups"));
    expect(killsAtGroups.length).toBeGreaterThan(0);
    expect(killsAtGroups.filter((plan) => !isDashboard(plan))).toEqual([]);
    for (const { documents, settings } of all) expect(settings.DOCUMENTS).toBe(documents);
  });

  test("has settings that the function accepts", () => {
    const address = { DATABASE_URL: "mongodb://localhost/app", WAHA_API_URL: "http://localhost:3000" };
    for (const { settings } of plans("settings", 100))
      expect(() => parseConfig({ ...address, CRON_SECRET: "x".repeat(16), ...settings })).not.toThrow();
  });

  test("has passes that stay in a third of the rounds, for more than two leases' lives", () => {
    const all = Array.from(
      { length: 1000 },
      (_, round) => planRound("stay", round, ALL_POINTS, false).settings,
    );
    const staying = all.filter(({ STAY_SECONDS }) => Number(STAY_SECONDS) > 0);
    expect(staying.length / all.length).toBeCloseTo(1 / 3, 1);
    for (const { PASS_SECONDS, STAY_SECONDS } of staying)
      expect(Number(STAY_SECONDS) * 1000).toBeGreaterThan(2.1 * leaseOf(PASS_SECONDS));
  });

  test("has POSTs that may outlast two leases in every round, and most rounds wait for them", () => {
    const all = plans("long", 100);
    const isLong = ({ settings, events }: RoundPlan) => {
      const two = 2 * leaseOf(settings.PASS_SECONDS);
      const delays = events.flatMap((event) => (event.type === "waha-fault" ? [event.fault.action] : []));
      expect(delays.some((action) => "ms" in action && action.ms > two)).toBe(true);
      return Number(settings.WAHA_TIMEOUT_MS) > two;
    };
    expect(all.filter(isLong).length).toBeGreaterThan(50);
  });

  test("has renewals of leases that are late for the lease, lost, and in vain", () => {
    for (const { settings, triggers } of plans("renewals", 50)) {
      const acts = triggers.filter(({ point }) => point === "renew-leases").map(({ act }) => act);
      const late = acts.filter((act) => act.type === "hold" && act.ms > leaseOf(settings.PASS_SECONDS));
      expect(late.length).toBeGreaterThanOrEqual(2);
      expect(acts.filter(({ type }) => type === "break").length).toBeGreaterThanOrEqual(2);
      expect(acts.flatMap((act) => (act.type === "end-lease" ? [act.how] : [])).sort()).toEqual([
        "is-taken",
        "is-taken",
        "runs-out",
        "runs-out",
      ]);
    }
  });
});

const leaseOf = (passSeconds: string | undefined) => lifetimesOf(Number(passSeconds)).lease;

test("two hundred rounds deal a kill to both sides of every point more than twenty times", () => {
  const dealt = new Map<string, number>();
  for (const { point, side } of plans("deck", 200).flatMap(killsOf)) {
    const card = `${side} ${point}`;
    dealt.set(card, (dealt.get(card) ?? 0) + 1);
  }
  expect(dealt.size).toBe(ALL_POINTS.length * 2);
  expect(Math.min(...dealt.values())).toBeGreaterThan(20);
});

describe("the options", () => {
  test("are twenty rounds of a fresh seed by default", () => {
    const [one, other] = [readOptions([]), readOptions([])];
    expect(one).toMatchObject({ rounds: 20, minutes: undefined, only: undefined });
    expect(one.seed).not.toBe(other.seed);
  });

  test("limit a run by rounds or by minutes, and name its seed", () => {
    expect(readOptions(["--minutes", "0.5", "--seed", "x"])).toMatchObject({
      rounds: undefined,
      minutes: 0.5,
      seed: "x",
    });
    expect(readOptions(["--rounds", "3", "--parallel", "1"])).toMatchObject({ rounds: 3, parallel: 1 });
    expect(readOptions(["--seed", "x", "--round", "0"])).toMatchObject({ only: 0 });
  });

  test.each([
    [["--rounds", "0"], "--rounds takes a number from 1 on"],
    [["--rounds", "1.5"], "--rounds takes a number from 1 on"],
    [["--parallel", "many"], "--parallel takes a number from 1 on"],
    [["--minutes=-1"], "--minutes takes a number from 0.1 on"],
    [["--kill"], "--kill"],
  ])("that make no sense are refused in plain words: %j", (args, words) => {
    expect(() => readOptions(args)).toThrow(words);
  });
});
