import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { CAMPAIGN_INDEXES } from "../lib/campaigns.ts";
import { MAPPINGS } from "../lib/documents/mapping.ts";
import { messageIndexes } from "../lib/messages/indexes.ts";
import { ago, createWorld, SECRET, WAHA_KEY, type World } from "../test/support/world.ts";

interface Ended {
  code: number;
  output: string;
  errors: string;
}

/** Runs a program of `ops/` in a folder of its own, with these settings in its .env and no terminal. */
async function runProgram(name: string, args: string[], settings: NodeJS.ProcessEnv): Promise<Ended> {
  const cwd = await mkdtemp(join(tmpdir(), "ops-test-"));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  await writeFile(join(cwd, ".env"), lines.join("\n"));
  const program = fileURLToPath(new URL(`${name}/main.ts`, import.meta.url));
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code: code as number, output, errors };
}

function expectNoSecret(world: World, { output, errors }: Ended): void {
  for (const secret of [SECRET, WAHA_KEY, "mongodb://", "Hello", "@c.us", "\u001b["])
    expect(output + errors).not.toContain(secret);
  expect(output + errors).not.toMatch(/^\s+at /m);
  expect(world.env.CRON_SECRET).toBe(SECRET);
}

async function sound(): Promise<World> {
  const world = await createWorld();
  await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
  await world.campaigns.createIndexes(CAMPAIGN_INDEXES);
  await world.insert({});
  await world.pass();
  world.env.HEARTBEAT_URL = "http://receiver.invalid/beat";
  return world;
}

test("the doctor ends with 0 on a sound set-up, and says what it found in aligned lines", async () => {
  const world = await sound();
  const ended = await runProgram("doctor", [], world.env);
  expect(ended).toMatchObject({ code: 0, errors: "" });
  expect(ended.output).toMatch(/^✓ ok {2}settings {5}every one is right$/m);
  expect(ended.output).toMatch(/^✓ ok {2}waha {9}127\.0\.0\.1:\d+ answers, and takes the key$/m);
  expect(ended.output).toMatch(/\n\n\d+ ok, 0 warnings, 0 problems\n$/);
  expectNoSecret(world, ended);
});

test("the doctor ends with 1 on a problem, with the remedy below it, and gives a program JSON", async () => {
  const world = await sound();
  await world.insert({ sessionId: "of-no-session", scheduledAt: ago(5) });
  world.env.WAHA_TIMEOUT_MS = "2000";
  const told = await runProgram("doctor", [], world.env);
  expect(told.code).toBe(1);
  expect(told.output).toMatch(/^! warning {2}settings {5}WAHA_TIMEOUT_MS.*\n +→ /m);
  expect(told.output).toMatch(
    /^✗ problem {2}sessions {5}.*session_not_found: "of-no-session".*\n +→ Check which session/m,
  );
  expect(told.output).toMatch(/ ok, 1 warning, 1 problem\n$/);
  expectNoSecret(world, told);
  const json = await runProgram("doctor", ["--json"], world.env);
  expect(json).toMatchObject({ code: 1, errors: "" });
  const { ok, findings } = JSON.parse(json.output);
  expect(ok).toBe(false);
  expect(findings).toContainEqual({
    level: "problem",
    check: "sessions",
    message: expect.stringContaining("of-no-session"),
    remedy: expect.stringContaining("Check which session"),
  });
  expectNoSecret(world, json);
});

test("the doctor without any setting names each that is needed, and no stack", async () => {
  const ended = await runProgram("doctor", [], {});
  expect(ended).toMatchObject({ code: 1, errors: "" });
  for (const name of ["DATABASE_URL", "WAHA_API_URL", "CRON_SECRET"])
    expect(ended.output).toMatch(new RegExp(`^✗ problem +settings +${name} is not set$`, "m"));
});

test("the doctor reads its settings from a file that is named, whatever .env and the environment say", async () => {
  const world = await sound();
  const file = join(await mkdtemp(join(tmpdir(), "ops-test-")), "production.env");
  onTestFinished(() => rm(dirname(file), { recursive: true }));
  await writeFile(
    file,
    Object.entries(world.env)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n"),
  );
  const other = { DATABASE_URL: "mongodb://127.0.0.1:1/other", WAHA_API_URL: "http://127.0.0.1:1" };
  const ended = await runProgram("doctor", ["--env-file", file], other);
  expect(ended).toMatchObject({ code: 0, errors: "" });
  expect(ended.output).toContain(`/${world.database.db.databaseName} can be reached`);
  // Node looks for this option, too, behind the program's name, and may be faster to say so.
  const { code, errors, output } = await runProgram("doctor", ["--env-file", "nowhere.env"], other);
  expect([code > 0, output]).toEqual([true, ""]);
  expect(errors).toMatch(/^.*nowhere\.env.*\n$/);
});

test("resend shows, and refuses to go on where there is no terminal to ask on", async () => {
  const world = await createWorld();
  const settled = { state: "missed", settledAt: ago(60), error: { code: "window_closed" } };
  await world.insert({ isPicked: true, delivery: settled });
  const shown = await runProgram("resend", ["--state", "missed"], world.env);
  expect(shown.code).toBe(1);
  expect(shown.output).toMatch(
    /^1 message would be due again[\s\S]*window_closed[\s\S]*Nothing was changed\.\n$/,
  );
  expect(shown.errors).toBe("There is no terminal to ask on: give --yes to go on without a question.\n");
  expect(await world.messages.countDocuments({ isPicked: false })).toBe(0);
  expectNoSecret(world, shown);
  const done = await runProgram("resend", ["--state", "missed", "--yes"], world.env);
  expect(done).toMatchObject({ code: 0, errors: "" });
  expect(done.output).toMatch(/\n1 message due again\.\n$/);
  expect(await world.messages.countDocuments({ isPicked: false })).toBe(1);
  expectNoSecret(world, done);
});

test("resend says in plain words what it lacks, and ends with 1", async () => {
  expect(await runProgram("resend", [], {})).toMatchObject({
    code: 1,
    output: "",
    errors: expect.stringMatching(/^npm run resend/),
  });
  const unset = await runProgram("resend", ["--state", "missed"], {});
  expect(unset).toMatchObject({ code: 1, errors: expect.stringMatching(/DATABASE_URL is not set/) });
});
