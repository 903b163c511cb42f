import { setImmediate } from "node:timers/promises";
import pMap from "p-map";
import { checkRound, type Finding } from "./check/index.ts";
import { ROUND_POINTS } from "./database/points.ts";
import type { Bug } from "./instances/plant.ts";
import type { Lab } from "./lab.ts";
import { planRound } from "./plan/plan.ts";
import { type Played, playRound } from "./round.ts";
import { WAHA_POINTS } from "./waha/gateway.ts";

/** Every point at which a request can be met. */
export const ALL_POINTS: readonly string[] = [...ROUND_POINTS, ...WAHA_POINTS];

/** Which rounds to run. */
export interface Run {
  seed: string;
  /** The numbers of the rounds. Each is asked for when there is room to run it. */
  rounds: Iterable<number>;
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
  { seed, rounds, parallel, bug, areKilled = true }: Run,
  onRound: (played: Played, findings: Finding[]) => void,
): Promise<void> {
  const run = async (round: number) => {
    const played = await playRound(planRound(seed, round, ALL_POINTS, areKilled), lab, bug);
    onRound(played, await findingsOf(played));
  };
  await pMap(rounds, run, { concurrency: parallel });
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
