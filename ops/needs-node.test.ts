import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
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
    expect(said).toEqual([expect.stringMatching(/^This needs Node 24 or newer[^\n]*$/)]);
    expect(exits).toEqual([1]);
  },
);

test.each(["24.0.0", "26.1.0"])("Node %s is told nothing", (version) => {
  expect(on(version)).toEqual({ said: [], exits: [] });
});

test.each(["start", "doctor", "resend"] as const)("npm run %s looks at its Node first", (name) => {
  expect(packageJson.scripts[name]).toContain(`node --require ${PRELOAD} `);
});

test.each(["waha-scheduler.service", "ecosystem.config.cjs"])("so does %s", (file) => {
  expect(readFileSync(resolve(import.meta.dirname, "deploy", file), "utf8")).toContain(
    `--require ${PRELOAD}`,
  );
});
