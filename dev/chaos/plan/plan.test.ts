import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../lib/config.ts";
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

  test("has settings that the function accepts", () => {
    const address = { DATABASE_URL: "mongodb://localhost/app", WAHA_API_URL: "http://localhost:3000" };
    for (const { settings } of plans("settings", 100))
      expect(() => parseConfig({ ...address, CRON_SECRET: "x".repeat(16), ...settings })).not.toThrow();
  });
});

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
