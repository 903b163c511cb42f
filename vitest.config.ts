import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // Processes rather than threads: tests set environment variables and start children of their own.
    pool: "forks",
    // Tests wait for the database more than they compute, so both cores of a small machine are of use.
    maxWorkers: 2,
    maxConcurrency: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
