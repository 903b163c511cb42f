import { setImmediate } from "node:timers/promises";
import { checkRound, type Finding } from "./check/index.ts";
import { POINTS } from "./database/points.ts";
import type { Bug } from "./instances/plant.ts";
import type { Lab } from "./lab.ts";
import { planRound } from "./plan/plan.ts";
import { type Played, playRound } from "./round.ts";
import { WAHA_POINTS } from "./waha/gateway.ts";

/** Every point at which a request can be met. */
export const ALL_POINTS: readonly string[] = [...POINTS, ...WAHA_POINTS];

/** Which rounds to run. */
export interface Run {
  seed: string;
  /** The number of the next round, or undefined when it is enough. */
  next(): number | undefined;
  parallel: number;
  bug?: Bug;
  /** Whether processes are killed; by default they are. */
  areKilled?: boolean;
}

/**
 * Runs rounds, some side by side, and holds each against the invariants.
 *
 * @param onRound told of each as it ends
 */
export async function runRounds(
  lab: Lab,
  { seed, next, parallel, bug, areKilled = true }: Run,
  onRound: (played: Played, findings: Finding[]) => void,
): Promise<void> {
  const lane = async () => {
    for (let round = next(); round !== undefined; round = next()) {
      const played = await playRound(planRound(seed, round, ALL_POINTS, areKilled), lab, bug);
      onRound(played, await findingsOf(played));
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
}

/** The rounds beside this one go on in between: what they are asked must not wait until everything is checked. */
async function findingsOf({ record }: Played): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const finding of checkRound(record)) {
    findings.push(finding);
    await setImmediate();
  }
  return findings;
}
