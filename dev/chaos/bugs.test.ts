import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUGS } from "./bugs.ts";
import { type Lab, openLab } from "./lab.ts";
import { runRounds } from "./run.ts";

/** A bug must show itself within so many rounds. */
const MOST_ROUNDS = 36;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

describe.concurrent("the chaos run", () => {
  test.each(BUGS)(
    "finds it when $bug.name",
    async ({ bug, caughtBy, seed = `planted ${bug.name}`, takesKills = false }) => {
      const found = new Map<string, string>();
      const isCaught = () => caughtBy.some((invariant) => found.has(invariant));
      let played = 0;
      const rounds = function* () {
        while (!isCaught() && played < MOST_ROUNDS) yield played++;
      };
      await runRounds(
        lab,
        { seed, parallel: 1, bug, rounds: rounds(), areKilled: takesKills },
        (_round, findings) => {
          for (const { invariant, violations } of findings)
            if (violations[0]) found.set(invariant, violations[0].what);
        },
      );
      expect(isCaught(), `in ${played} rounds only: ${JSON.stringify([...found])}`).toBe(true);
    },
    900_000,
  );
});
