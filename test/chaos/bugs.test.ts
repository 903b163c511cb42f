import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, openLab } from "../../dev/chaos/lab.ts";
import { runRounds } from "../../dev/chaos/run.ts";
import { BUGS, type Planted } from "./bugs.ts";

/** A bug must show itself within so many rounds. */
const MOST_ROUNDS = 8;
const SEED = "planted";

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

/** The others are found in more rounds than every run of the tests has time for, or not reliably yet. */
const SOON = ["isSent-true", "redirects", "stale-writes"];
const isSoon = ({ caughtBy }: Planted) => caughtBy.some((invariant) => SOON.includes(invariant));

// One after the other: rounds of the same number share a database.
test.each(process.env.ALL_BUGS ? BUGS : BUGS.filter(isSoon))(
  "chaos finds it when $bug.name",
  async ({ bug, caughtBy }) => {
    const found = new Map<string, string>();
    const isCaught = () => caughtBy.some((invariant) => found.has(invariant));
    let rounds = 0;
    const next = () => (isCaught() || rounds >= MOST_ROUNDS ? undefined : rounds++);
    await runRounds(lab, { seed: `${SEED} ${bug.name}`, parallel: 1, bug, next }, (_played, findings) => {
      for (const { invariant, violations } of findings)
        if (violations[0]) found.set(invariant, violations[0].what);
    });
    expect(isCaught(), `in ${rounds} rounds only: ${JSON.stringify([...found])}`).toBe(true);
  },
  300_000,
);
