import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{test,ops,dev}/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // The programs that tests start are compiled once.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/node") },
    // Processes rather than threads: tests set environment variables and start children of their own.
    pool: "forks",
    // Tests wait more than they compute, so that two cores have enough to do with four of them at once.
    maxWorkers: 4,
    maxConcurrency: 2,
    // For a machine that has other things to do: no test is about how long it takes.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
