import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The planted bugs take longest by far: they begin first, so that nothing has to wait for them in the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification) => moduleId.endsWith("/dev/chaos/bugs.test.ts");
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

export default defineConfig({
  test: {
    include: ["{test,ops,dev}/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // Processes rather than threads: tests set environment variables and start children of their own.
    pool: "forks",
    sequence: { sequencer: LongestFirst },
    // Tests wait more than they compute, so that two cores have enough to do with three of them at once.
    maxWorkers: 3,
    maxConcurrency: 2,
    // For a machine that has other things to do: no test is about how long it takes.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
