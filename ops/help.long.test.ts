import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { ROOT } from "../test/support/imports.ts";

/** Every program of the project that takes no other program's place, as package.json starts it. */
const PROGRAMS = Object.values(packageJson.scripts)
  .flatMap((script) => /(?:ops|dev)\/\S+\/main\.ts/.exec(script) ?? [])
  .filter((program) => !/^dev\/(docs|screenshot)\//.test(program));

test.each(PROGRAMS)(
  "%s says how it is used, and does nothing else",
  (program) => {
    for (const option of ["--help", "-h"]) {
      const { status, stderr, stdout } = spawnSync(process.execPath, [program, option], {
        cwd: ROOT,
        env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
        encoding: "utf8",
        timeout: 60_000,
      });
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(/^npm (start|run [a-z]+)/);
      expect(stdout.split("\n").length).toBeGreaterThan(2);
    }
  },
  150_000,
);
