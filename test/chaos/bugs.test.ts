import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, openLab } from "../../dev/chaos/lab.ts";
import { runRounds } from "../../dev/chaos/run.ts";
import { BUGS } from "./bugs.ts";

/** A bug must show itself within so many rounds. */
const MOST_ROUNDS = 24;
const SEED = "planted";

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

test.each(BUGS)(
  "chaos finds it when $name",
  async (bug) => {
    let next = 0;
    const found: string[] = [];
    await runRounds(
      lab,
      {
        seed: SEED,
        parallel: 4,
        bug,
        next: () => (found.length > 0 || next >= MOST_ROUNDS ? undefined : next++),
      },
      (_played, findings) =>
        found.push(...findings.flatMap(({ violations }) => violations.map(({ what }) => what))),
    );
    expect(found.length, `${next} rounds went by`).toBeGreaterThan(0);
  },
  240_000,
);
