import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUGS } from "./bugs.ts";
import { type Lab, openLab } from "./lab.ts";
import { runRounds } from "./run.ts";

/** Within how many rounds a bug must show itself. None of these needs a kill to show, and without them rounds are shorter. */
const MOST_ROUNDS = 12;
const SEED = "planted";

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

describe.concurrent("the chaos run", () => {
  test.each(BUGS)(
    "finds it when $bug.name",
    async ({ bug, caughtBy }) => {
      const found = new Map<string, string>();
      const isCaught = () => caughtBy.some((invariant) => found.has(invariant));
      let played = 0;
      const rounds = function* () {
        while (!isCaught() && played < MOST_ROUNDS) yield played++;
      };
      await runRounds(
        lab,
        { seed: `${SEED} ${bug.name}`, parallel: 1, bug, rounds: rounds(), areKilled: false },
        (_round, findings) => {
          for (const { invariant, violations } of findings)
            if (violations[0]) found.set(invariant, violations[0].what);
        },
      );
      expect(isCaught(), `in ${played} rounds only: ${JSON.stringify([...found])}`).toBe(true);
    },
    300_000,
  );
});
