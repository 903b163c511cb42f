/** What the programs for a person or a host have in common: their settings, how they say what is wrong, how they stop. */
import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import type { ConfigError } from "../lib/errors.ts";

const ENV_FILE = ".env";

/** Prints how a program is used, and ends it, if its command line asks for that. */
export function helpIfAsked(usage: string, args: readonly string[] = process.argv.slice(2)): void {
  if (!args.includes("--help") && !args.includes("-h")) return;
  console.log(usage);
  process.exit(0);
}

/**
 * Fills the environment up from .env, if there is one; what is set already wins. A file that is named takes the place of
 * .env and wins over what is set, so that it alone says which database and which WAHA are meant.
 *
 * @throws Error in plain words if the file that is named can't be read
 */
export function loadEnvFile(named?: string): void {
  if (named === undefined) {
    if (existsSync(ENV_FILE)) process.loadEnvFile(ENV_FILE);
    return;
  }
  try {
    Object.assign(process.env, parseEnv(readFileSync(named, "utf8")));
  } catch (error) {
    throw new Error(`--env-file ${named} can't be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Says on standard error which settings are wrong, a line each, and never a value. */
export function tellWrongSettings(headline: string, { problems }: ConfigError): void {
  console.error(`${headline}, in the environment or .env; docs/configuration.md says what each means:`);
  for (const { setting, problem } of problems) console.error(`  ${setting} ${problem}`);
  if (problems.some(({ setting }) => setting === "DOCUMENTS"))
    console.error("docs/mapping.md#keys says what each key of DOCUMENTS means.");
}

/**
 * npm passes a Ctrl-C on to the process that the terminal has told already, so one press arrives twice.
 * What comes later than this is another press.
 */
const SAME_PRESS_MS = 500;

/** The shell's code for a process that ended by Ctrl-C. */
const INTERRUPTED = 130;

/** Runs `stop` on the first Ctrl-C or SIGTERM, then exits; the second one exits at once. */
export function stopOnSignal(stop: () => Promise<void>): void {
  let firstAt: number | undefined;
  const onSignal = () => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(`Not stopped cleanly: ${(error as Error).message}`);
          process.exit(1);
        },
      );
    } else if (performance.now() - firstAt > SAME_PRESS_MS) process.exit(INTERRUPTED);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
}
