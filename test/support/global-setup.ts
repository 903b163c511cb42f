import type { TestProject } from "vitest/node";
import { startMongod } from "../../dev/mongod/start.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The one mongod of the test run; no database is named in it. */
    mongoUrl: string;
  }
}

/**
 * Starts the mongod that all test files share, with fail points enabled.
 *
 * @returns what stops it after the last test
 */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const mongod = await startMongod({ args: ["--setParameter", "enableTestCommands=1"] });
  provide("mongoUrl", mongod.url(""));
  return mongod.stop;
}
