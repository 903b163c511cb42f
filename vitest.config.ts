import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // Processes rather than threads: tests set environment variables and start children of their own.
    pool: "forks",
    // Tests wait more than they compute, so that two cores have enough to do with three of them at once.
    maxWorkers: 3,
    maxConcurrency: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
