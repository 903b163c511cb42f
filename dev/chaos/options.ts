import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { readArgs } from "../../ops/options.ts";

/** What `npm run chaos` was asked for. */
export interface Options {
  /** How many rounds; undefined: as many as the minutes allow. */
  rounds: number | undefined;
  minutes: number | undefined;
  /** Any word or number; the same one gives the same plan. */
  seed: string;
  /** Only this round of the plan. */
  only: number | undefined;
  /** How many rounds run side by side. */
  parallel: number;
}

const DEFAULT_ROUNDS = 20;

export const USAGE = `npm run chaos -- [--rounds <n>] [--minutes <m>] [--seed <word>] [--round <n>] [--parallel <n>]

Kills, freezes and misleads passes on a real MongoDB and a simulated WAHA, and holds what they did against the promises.

  --rounds <n>    how many rounds; without it ${DEFAULT_ROUNDS}, or as many as --minutes allows
  --minutes <m>   stop after so many minutes
  --seed <word>   the same one gives the same plan; without it a new one, which is printed
  --round <n>     only this round of the plan
  --parallel <n>  how many rounds side by side; without it one for each core
It ends with 1 if a promise was broken, or if not enough was tested.`;

/**
 * Reads the command line.
 *
 * @throws Error in plain words
 */
export function readOptions(args: string[]): Options {
  const values = readArgs(
    "chaos",
    {
      rounds: { type: "string" },
      minutes: { type: "string" },
      seed: { type: "string" },
      round: { type: "string" },
      parallel: { type: "string" },
    },
    args,
  );
  const rounds = readNumber("--rounds", values.rounds, 1);
  const minutes = readNumber("--minutes", values.minutes, 0.1);
  return {
    rounds: rounds ?? (minutes === undefined ? DEFAULT_ROUNDS : undefined),
    minutes,
    seed: values.seed ?? randomBytes(4).toString("hex"),
    only: readNumber("--round", values.round, 0),
    parallel: readNumber("--parallel", values.parallel, 1) ?? availableParallelism(),
  };
}

function readNumber(option: string, given: string | undefined, least: number): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  const whole = option === "--minutes" || Number.isInteger(value);
  if (!whole || !(value >= least))
    throw new Error(`${option} takes a number from ${least} on, not "${given}"`);
  return value;
}
