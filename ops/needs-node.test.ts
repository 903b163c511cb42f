import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runInNewContext } from "node:vm";
import { describe, expect, onTestFinished, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };

const PRELOAD = "./ops/needs-node.cjs";

/** What it prints, and how it ends the process, on a version of Node. */
function on(version: string) {
  const said: string[] = [];
  const exits: number[] = [];
  const process = {
    version: `v${version}`,
    versions: { node: version },
    exit: (code: number) => exits.push(code),
  };
  const source = readFileSync(resolve(import.meta.dirname, "needs-node.cjs"), "utf8");
  runInNewContext(source, { process, console: { error: (line: string) => said.push(line) } });
  return { said, exits };
}

test.each(["18.20.8", "20.20.2", "22.12.0"])(
  "Node %s is told in one line that names Node 24, and ends with 1",
  (version) => {
    const { said, exits } = on(version);
    expect(said).toEqual([expect.stringMatching(/^This needs Node 24 or newer[^\n]*npm ci[^\n]*$/)]);
    expect(exits).toEqual([1]);
  },
);

test.each(["24.0.0", "26.1.0"])("Node %s is told nothing", (version) => {
  expect(on(version)).toEqual({ said: [], exits: [] });
});

const scripts = Object.entries(packageJson.scripts).filter(([, script]) => script.includes("main.ts"));

test.each(scripts)(
  "npm run %s looks at its Node first, and takes the shell's place, so that signals reach it",
  (name, script) => {
    const preload = /dev\/\S+\.ts/.test(script) ? "./dev/needs-packages.cjs" : PRELOAD;
    expect(script, name).toMatch(new RegExp(`(^| )exec node --require ${preload} `));
  },
);

describe("the programs of dev/", () => {
  const file = resolve(import.meta.dirname, "../dev/needs-packages.cjs");

  test("start where the development packages are", () => {
    expect(spawnSync(process.execPath, ["--require", file, "-e", "0"])).toMatchObject({ status: 0 });
  });

  test("say in one line that these are missing", async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), "needs-packages-"));
    onTestFinished(() => rm(elsewhere, { recursive: true }));
    for (const name of ["dev/needs-packages.cjs", "ops/needs-node.cjs"])
      await cp(resolve(import.meta.dirname, "..", name), join(elsewhere, name));
    const args = ["--require", join(elsewhere, "dev/needs-packages.cjs"), "-e", "0"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect([status, stderr]).toEqual([1, "This needs the development packages: npm ci\n"]);
  });
});

test.each(["waha-scheduler.service", "ecosystem.config.cjs"])("so does %s", (file) => {
  expect(readFileSync(resolve(import.meta.dirname, "deploy", file), "utf8")).toContain(
    `--require ${PRELOAD}`,
  );
});
