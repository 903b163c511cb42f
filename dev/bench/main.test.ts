import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { readOptions } from "./options.ts";
import { barChart } from "./report/chart.ts";
import { writeDocument } from "./report/document.ts";
import { sharesOf } from "./scenarios/profile.ts";
import { standings } from "./targets.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const MARKERS = "<!-- npm run bench writes from here -->\n<!-- to here -->";

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bench-test-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test("a scenario is measured on the function as it is deployed, told with its targets last, and written", async () => {
  const out = join(await temporaryFolder(), "performance");
  await writeFile(`${out}.md`, `before\n\n${MARKERS}\n\nafter\n`);
  const args = ["dev/bench/main.ts", "--quick", "--only", "idle,size", "--out", out];
  const env = { ...process.env, FORCE_COLOR: undefined, DATABASE_URL: "mongodb://not-to-be-used/else" };
  const { stdout, stderr } = await run(process.execPath, args, { cwd: ROOT, env });

  expect(stderr).toBe("");
  expect(stdout).toMatch(/^nothing is due +\d+ +\d+ +\d+ +\d+\.\d ms +\d+\.\d ms$/m);
  expect(stdout).toMatch(/^the function +\d+ +\d+ +\d+\.\d MB +\d+\.\d MB$/m);
  const targets = stdout
    .trimEnd()
    .split("\n")
    .slice(-Object.keys(standings({})).length);
  expect(targets.filter((line) => line.includes("not measured"))).toHaveLength(targets.length - 5);
  expect(stdout).toMatch(/^(NOT )?reached +idle warm pass, database requests: \d+ \(at most 8\)$/m);

  const written = await readFile(`${out}.md`, "utf8");
  expect(written).toMatch(
    /^before\n\n<!--.*-->\n\nMeasured on \d+ \w+ \d{4} by `npm run bench -- --quick --only idle,size` on /,
  );
  expect(written).toMatch(/^\| nothing is due \|( \d[^|]* \|){5}$/m);
  expect(written).toMatch(/<!-- to here -->\n\nafter\n$/);
}, 300_000);

test("a wrong scenario ends the program with those that there are, before anything is started", async () => {
  const failing = run(process.execPath, ["dev/bench/main.ts", "--only", "everything"], { cwd: ROOT });

  const stderr = expect.stringMatching(/^--only knows no "everything"; the scenarios are 20-sessions-20ms, /);
  await expect(failing).rejects.toMatchObject({ code: 1, stderr, stdout: "" });
});

test("without options everything is measured in full, and scenarios may be chosen one by one or in a list", () => {
  const known = ["a", "b", "c"];
  expect(readOptions([], known)).toEqual({ quick: false, only: [], out: undefined });
  expect(readOptions(["--only", "a,b", "--only", "c", "--quick"], known)).toMatchObject({
    quick: true,
    only: ["a", "b", "c"],
  });
});

test("a target is reached at its limit, not reached beyond it, and neither when nothing was measured", () => {
  const standing = (figures: Parameters<typeof standings>[0], claim: string) =>
    standings(figures).find((each) => each.claim.startsWith(claim));

  expect(standing({ idleRequests: 8 }, "idle warm pass, database")).toMatchObject({
    reached: true,
    figure: "8",
  });
  expect(standing({ idleRequests: 9 }, "idle warm pass, database")).toMatchObject({ reached: false });
  expect(standing({ ratioAt20ms: 0.9 }, "20 sessions at 20 ms")).toMatchObject({ reached: true });
  expect(standing({ ratioAt20ms: 0.899 }, "20 sessions at 20 ms")).toMatchObject({ reached: false });
  expect(standing({ coldStart: 700 }, "cold start")).toMatchObject({ reached: undefined, figure: "700 ms" });
  expect(standing({}, "cold start")).toMatchObject({ reached: undefined, figure: "not measured" });
});

const GROUP = {
  title: "20 sessions",
  bars: [
    { name: "floor", value: 1 },
    { name: "a < b & c", value: 0.5 },
  ],
};

test("results go between the page's markers, again and again, with a chart beside it", async () => {
  const out = join(await temporaryFolder(), "performance");
  await writeFile(`${out}.md`, `before\n\n${MARKERS}\n\nafter\n`);
  const table = { title: "Speed", note: "a note", head: ["", "messages/s"], rows: [["floor", "900"]] };
  const results = { setting: "On a machine.", tables: [table], bars: [GROUP], standings: standings({}) };
  await writeDocument(out, results);
  const once = await readFile(`${out}.md`, "utf8");
  await writeDocument(out, results);

  expect(await readFile(`${out}.md`, "utf8")).toBe(once);
  expect(once).toContain("### Speed\n\na note.\n\n|  | messages/s |\n| --- | ---: |\n| floor | 900 |\n");
  expect(once).toContain("](performance.svg)");
  expect(await readFile(`${out}.svg`, "utf8")).toBe(barChart([GROUP], "waha-scheduler"));
});

test("a page without the markers is left as it is", async () => {
  const out = join(await temporaryFolder(), "performance");
  await writeFile(`${out}.md`, "a page of another kind");
  const writing = writeDocument(out, { setting: "", tables: [], bars: [], standings: [] });

  await expect(writing).rejects.toThrow("lacks the line");
  expect(await readFile(`${out}.md`, "utf8")).toBe("a page of another kind");
});

test("a bar is as long as its figure, whatever is in its name", () => {
  const chart = barChart([GROUP], "floor");
  expect(chart).toContain("<title>Messages per second, as a share of the floor's</title>");
  const widths = [...chart.matchAll(/<rect class="([^"]+)".* width="(\d+)"/g)].map(([, kind, width]) => [
    kind,
    Number(width),
  ]);

  expect(widths).toEqual([
    ["bar own", 550],
    ["bar", 275],
  ]);
  expect(chart).toContain("a &lt; b &amp; c");
  expect(chart).not.toContain("a < b");
});

test("a profile is told by whose code ran, what is small together", () => {
  const frame = (id: number, functionName: string, url: string) => ({
    id,
    callFrame: { functionName, url, scriptId: "1", lineNumber: 0, columnNumber: 0 },
  });
  const nodes = [
    frame(1, "(idle)", ""),
    frame(2, "send", "file:///f/node_modules/mongodb/node_modules/@scope/bson/lib/bson.cjs"),
    frame(3, "run", "file:///f/lib/pass/run.js"),
    frame(4, "writev", ""),
    frame(5, "rare", "file:///f/node_modules/ky/index.js"),
  ];
  const shares = sharesOf({
    ...{ nodes, startTime: 0, endTime: 1 },
    samples: [1, 2, 3, 4, 5],
    timeDeltas: [500, 200, 200, 95, 5],
  });
  expect(Object.fromEntries(shares)).toEqual({
    "asleep: it waits for WAHA and the database": 0.5,
    "@scope/bson": 0.2,
    "this project": 0.2,
    "Node itself": 0.095,
    "the rest": 0.005,
  });
});
