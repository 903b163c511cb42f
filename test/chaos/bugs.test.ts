import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileOf, plant } from "../../dev/chaos/instances/plant.ts";
import { type Lab, openLab } from "../../dev/chaos/lab.ts";
import { runRounds } from "../../dev/chaos/run.ts";
import { BUGS, type Planted } from "./bugs.ts";

/** A bug must show itself within so many rounds. None of these needs a kill to show, and without them rounds are shorter. */
const MOST_ROUNDS = 12;
const SEED = "planted";

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

test("every bug, also those that are not planted here, still has its place in the function", () => {
  for (const { bug } of BUGS) expect(plant(bug, readFileSync(fileOf(bug), "utf8"))).not.toBe("");
});

/** Those that show soon, and one of the others, by chance: all would take too long for every run of the tests. */
function someOf(bugs: Planted[]): Planted[] {
  const others = bugs.filter(({ isFoundSoon }) => !isFoundSoon);
  const one = others[Math.floor(Math.random() * others.length)];
  return bugs.filter((bug) => bug.isFoundSoon || bug === one);
}

describe.concurrent("the chaos run", () => {
  test.each(process.env.ALL_BUGS ? BUGS : someOf(BUGS))(
    "finds it when $bug.name",
    async ({ bug, caughtBy }) => {
      const found = new Map<string, string>();
      const isCaught = () => caughtBy.some((invariant) => found.has(invariant));
      let rounds = 0;
      const next = () => (isCaught() || rounds >= MOST_ROUNDS ? undefined : rounds++);
      await runRounds(
        lab,
        { seed: `${SEED} ${bug.name}`, parallel: 1, bug, next, areKilled: false },
        (_played, findings) => {
          for (const { invariant, violations } of findings)
            if (violations[0]) found.set(invariant, violations[0].what);
        },
      );
      expect(isCaught(), `in ${rounds} rounds only: ${JSON.stringify([...found])}`).toBe(true);
    },
    300_000,
  );
});
