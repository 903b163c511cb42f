/** `npm run resend`: makes messages due again that were missed, failed or are unknown. Shows and asks first. */
import { createInterface } from "node:readline/promises";
import { startClock, systemClock } from "../../lib/clock.ts";
import { parseConfig } from "../../lib/config.ts";
import { ConfigError } from "../../lib/errors.ts";
import { closeDatabases, openDatabase } from "../../lib/mongo/client.ts";
import { asUnavailable } from "../../lib/mongo/errors.ts";
import { helpIfAsked, loadEnvFile, tellWrongSettings } from "../program.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { type Person, resend } from "./resend.ts";

async function run(options: Options): Promise<void> {
  const config = parseConfig(process.env);
  const db = openDatabase(config);
  await db.connect();
  const clock = await startClock(systemClock, systemClock.monotonic(), () => db.readTime());
  const outcome = await resend(db, config, clock, options, person);
  if (outcome && outcome.rejected > 0) process.exitCode = 1;
}

const person: Person = {
  tell: (line) => console.log(line),
  agrees: async (question) => {
    if (!process.stdin.isTTY) {
      console.error("There is no terminal to ask on: give --yes to go on without a question.");
      process.exitCode = 1;
      return false;
    }
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await terminal.question(question).finally(() => terminal.close());
    return /^y(es)?$/i.test(answer.trim());
  },
};

helpIfAsked(USAGE);
try {
  const options = readOptions(process.argv.slice(2));
  loadEnvFile(options.envFile);
  await run(options);
} catch (error) {
  explain(error);
  process.exitCode = 1;
} finally {
  await closeDatabases();
}

function explain(error: unknown): void {
  if (error instanceof ConfigError) tellWrongSettings("Settings are wrong", error);
  else console.error((asUnavailable(error) as Error).message);
}
