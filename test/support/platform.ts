import { resolve } from "node:path";
import { onTestFinished } from "vitest";
import { Program } from "./program.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Starts a function as `vercel dev` does, until the test ends; gives its address. */
export async function startFunction(
  env: NodeJS.ProcessEnv,
  entrypoint: `api/${string}.ts` = "api/cron.ts",
): Promise<string> {
  const program = new Program(process.execPath, ["test/support/serve-function.ts", entrypoint], env, ROOT);
  onTestFinished(async () => {
    program.interrupt("SIGKILL");
    await program.exited;
  });
  return program.says(/^serving (http:.*)$/m);
}
