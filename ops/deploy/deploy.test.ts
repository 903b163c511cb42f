import { execFile, execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { DCLinter } from "dclint";
import { validate } from "dockerfile-utils";
import { Hono } from "hono";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { MOVED_SETTINGS } from "../../lib/config.ts";
import { importsOf, ROOT } from "../../test/support/imports.ts";
import { settingNames } from "../../test/support/setting-names.ts";
import { serve } from "../server/http.ts";

const read = (path: string) => readFileSync(resolve(ROOT, path), "utf8");

/** How long after the first signal it has certainly ended by itself. */
const STOPS_WITHIN_SECONDS = 15;

/** The program that every recipe starts: Node itself, so that signals reach it. */
const PROGRAM = "ops/server/main.ts";

/** What `npm start` gives Node before that. */
const [, HEAP = ""] =
  / exec node (.*) ops\/server\/main\.ts$/.exec(JSON.parse(read("package.json")).scripts.start) ?? [];

describe("the Dockerfile", () => {
  const DOCKERFILE = read("ops/deploy/Dockerfile").replaceAll("\\\n", "");
  const [, build = "", image = ""] = DOCKERFILE.split(/^FROM /m);
  /** What an instruction of the final image says, each time. */
  const said = (instruction: string) =>
    [...image.matchAll(new RegExp(`^ *${instruction} +(.*)$`, "gm"))].map(([, words = ""]) => words);

  test("is valid", () => {
    expect(validate(read("ops/deploy/Dockerfile"))).toEqual([]);
  });

  test("installs what production needs on Node 24, and runs Node itself, by a user without rights", () => {
    expect(build).toMatch(/^node:24-/);
    expect(image).toMatch(/^node:24-/);
    expect(build).toMatch(/^RUN npm ci --omit=dev /m);
    expect(JSON.parse(said("CMD").at(-1) ?? "")).toEqual(["node", ...HEAP.split(" "), PROGRAM]);
    expect(said("USER")).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
  });

  test("copies every file that the program reads, and nothing that .dockerignore keeps out", async () => {
    const copied = said("COPY").filter((words) => !words.startsWith("--from"));
    const sources = copied.flatMap((words) => words.split(" ").slice(0, -1));
    const { files } = await importsOf(PROGRAM);
    const isIn = (file: string) => sources.some((source) => file === source || file.startsWith(`${source}/`));
    expect(files.length).toBeGreaterThan(30);
    expect([...files, "package.json"].filter((file) => !isIn(file))).toEqual([]);

    const [everything, ...admitted] = read(".dockerignore")
      .split("\n")
      .filter((line) => /^[^#]/.test(line));
    expect(everything).toBe("*");
    const needed = [...sources, "package-lock.json"].map((source) => `!${source}`);
    expect(admitted.filter((line) => line !== "**/*.test.ts").toSorted()).toEqual(needed.toSorted());
  });

  test.each([
    ["well while the server says so", 200, 0],
    ["not well while it says so", 503, 1],
    ["not well while it does not answer", undefined, 1],
  ])("finds the container %s", async (_name, status, code) => {
    const health = async () => new Response(null, { status: status ?? 200 });
    const served = await serve(new Hono().get("/api/health", health), 0, "127.0.0.1");
    onTestFinished(() => void served.close(0));
    if (status === undefined) await served.close(0);

    const [, command = ""] = /^.*?CMD (\[.*\])$/.exec(said("HEALTHCHECK")[0] ?? "") ?? [];
    const [, ...args] = JSON.parse(command) as string[];
    const checked = promisify(execFile)(process.execPath, args, { env: { PORT: String(served.port) } });

    expect(
      await checked.then(
        () => 0,
        (error: { code: number }) => error.code,
      ),
    ).toBe(code);
  });
});

describe("the compose file", () => {
  const PATH = resolve(ROOT, "ops/deploy/compose.yaml");
  const { services } = parse(read("ops/deploy/compose.yaml"));

  test("is what the specification of Compose allows, and what its linter finds no fault with", () => {
    const matterOfTaste = ["service-keys-order", "services-alphabetical-order"];
    const rules = {
      ...Object.fromEntries(matterOfTaste.map((name) => [name, 0 as const])),
      "require-quotes-in-ports": [2, { quoteType: "double" }] as [2, object],
    };
    const linter = new DCLinter({ rules, quiet: true, debug: false, exclude: [] });
    const results: { messages: unknown[] }[] = linter.lintFiles([PATH], false);
    expect(results).toHaveLength(1);
    expect(results.flatMap(({ messages }) => messages)).toEqual([]);
  });

  test("hands every setting on to the scheduler, and lets it end by itself", () => {
    const { environment, stop_grace_period, build } = services.scheduler;
    // The image says these two.
    const handedOn = [...Object.keys(environment), "PORT", "HOST"];
    const told = [...settingNames(), ...Object.keys(MOVED_SETTINGS)];
    expect(told.filter((name) => !handedOn.includes(name))).toEqual([]);
    expect(stop_grace_period).toBe(`${STOPS_WITHIN_SECONDS}s`);
    expect(existsSync(resolve(ROOT, "ops/deploy", build.context, build.dockerfile))).toBe(true);
  });

  test("publishes nothing to other computers", () => {
    for (const { ports } of Object.values<{ ports: string[] }>(services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test("takes each secret from .env, and does not start without it", () => {
    const secrets = [...read("ops/deploy/compose.yaml").matchAll(/\$\{(\w+)([^}]*)\}/g)];
    const needed = secrets.filter(([, name = ""]) => /PASSWORD|KEY|SECRET/.test(name));
    expect(needed.length).toBeGreaterThan(4);
    for (const [, name, otherwise] of needed) expect(otherwise, name).toBe(":?set it in .env");
  });
});

test("the PM2 file starts the program from the root, with time to stop", () => {
  const config = createRequire(import.meta.url)(resolve(ROOT, "ops/deploy/ecosystem.config.cjs"));
  const [app, ...others] = config.apps;
  expect(others).toEqual([]);
  expect(app).toMatchObject({
    cwd: ROOT,
    script: PROGRAM,
    interpreter: "node",
    node_args: HEAP,
    exec_mode: "fork",
  });
  expect(existsSync(resolve(app.cwd, app.script))).toBe(true);
  expect(app.kill_timeout).toBe(STOPS_WITHIN_SECONDS * 1000);
});

describe("the systemd unit", () => {
  const lines = read("ops/deploy/waha-scheduler.service").split("\n");
  const settings = Object.fromEntries(
    lines.filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );

  test("starts the program, with SIGTERM and time to stop", () => {
    expect(settings).toMatchObject({
      ExecStart: `/usr/bin/env node ${HEAP} ${PROGRAM}`,
      KillSignal: "SIGTERM",
      TimeoutStopSec: String(STOPS_WITHIN_SECONDS),
      Restart: "always",
      DynamicUser: "yes",
    });
  });

  test.skipIf(!runs("systemd-analyze"))("is valid [needs systemd-analyze]", () => {
    const unit = resolve(ROOT, "ops/deploy/waha-scheduler.service");
    const checked = execFileSync("systemd-analyze", ["verify", unit], { encoding: "utf8", stdio: "pipe" });
    expect(checked).toBe("");
  });
});

/** Whether this computer has a program. */
function runs(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
