import { beforeEach, expect, test } from "vitest";
import { addSeconds } from "../../lib/clock.ts";
import { parseConfig } from "../../lib/config.ts";
import { handleHealth } from "../../lib/http/health.ts";
import { writeLogTo } from "../../lib/log.ts";
import { isRecent } from "../../lib/monitoring/record.ts";
import { messageOf } from "../../lib/problems.ts";
import { recordCommands } from "../support/commands.ts";
import { failCommands } from "../support/fail-commands.ts";
import { ago, createWorld, SECRET, WAHA_KEY, type World } from "../support/world.ts";

const lines: string[] = [];
writeLogTo({ write: (line) => void lines.push(line) });
beforeEach(() => void lines.splice(0));

/** What the log was told since this was asked last. */
function logged(): string[] {
  return lines.splice(0).map((line) => JSON.parse(line).msg);
}

/** Asks when the instance's clock shows so many seconds. An answer is kept for ten. */
function ask(
  world: World,
  second: number,
  { method = "GET", firstPassRuns = false } = {},
): Promise<Response> {
  const request = new Request("http://localhost/api/health", { method });
  const hostClock = { monotonic: () => second * 1000, system: () => Date.now() };
  return handleHealth(request, world.env, { hostClock, firstPassRuns: () => firstPassRuns });
}

const statusAt = async (world: World, second: number) => (await ask(world, second)).status;

/** A world in which a pass has just ended, and nothing was logged since. */
async function worldAfterPass(settings: NodeJS.ProcessEnv = {}): Promise<World> {
  const world = await createWorld({}, { LOG_LEVEL: "info", ...settings });
  await world.pass();
  logged();
  return world;
}

const passEnded = (world: World, secondsAgo: number) =>
  world.scheduler.updateOne({ _id: "last-pass" as never }, { $set: { endedAt: ago(secondsAgo) } });

test("after a pass all is well, and no caller is told more", async () => {
  const world = await worldAfterPass();
  const response = await ask(world, 0);
  expect(response.status).toBe(200);
  expect(await response.text()).toBe('{"ok":true}');
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(logged()).toEqual([]);
});

test("where no pass ever ended, or none for three minutes, it is not", async () => {
  const world = await createWorld({}, { LOG_LEVEL: "info" });
  expect(await statusAt(world, 0)).toBe(503);
  await world.pass();
  await passEnded(world, 170);
  expect(await statusAt(world, 10)).toBe(200);
  await passEnded(world, 190);
  logged();
  const response = await ask(world, 20);
  expect(response.status).toBe(503);
  expect(await response.text()).toBe('{"ok":false}');
  expect(logged()).toEqual([messageOf("passes_stopped")]);
});

test("while the host's first pass is under way none need have ended, but WAHA and the database must be there", async () => {
  const world = await createWorld({}, { LOG_LEVEL: "info" });
  const during = async (second: number) => (await ask(world, second, { firstPassRuns: true })).status;
  expect(await during(0)).toBe(200);
  await world.pass();
  await passEnded(world, 3600);
  logged();
  expect(await during(10)).toBe(200);
  expect(logged()).toEqual([]);
  await world.waha.pause();
  expect(await during(20)).toBe(503);
  await world.waha.resume();
  expect(await statusAt(world, 30)).toBe(503);
});

test("passes that stay may end that much later", async () => {
  const world = await worldAfterPass();
  world.env.STAY_SECONDS = "50";
  await passEnded(world, 220);
  expect(await statusAt(world, 0)).toBe(200);
  await passEnded(world, 240);
  expect(await statusAt(world, 10)).toBe(503);
});

test("passes that may take longer may end that much later, as vercel.json was raised for them", async () => {
  const config = { ...parseConfig((await createWorld()).env), PASS_SECONDS: 300 };
  const now = new Date();
  expect(isRecent({ endedAt: addSeconds(now, -419) }, now, config)).toBe(true);
  expect(isRecent({ endedAt: addSeconds(now, -421) }, now, config)).toBe(false);
  expect(isRecent({ endedAt: addSeconds(now, -459) }, now, { ...config, STAY_SECONDS: 280 })).toBe(true);
});

test("WAHA away, and back: the log says so once each, in the words of a pass", async () => {
  const world = await worldAfterPass();
  await world.waha.pause();
  expect(await statusAt(world, 0)).toBe(503);
  expect(await statusAt(world, 10)).toBe(503);
  expect(logged()).toEqual([messageOf("waha_unreachable", "ECONNREFUSED")]);
  await world.waha.resume();
  world.waha.setApiKey("another");
  expect(await statusAt(world, 20)).toBe(503);
  expect(logged()).toEqual([messageOf("waha_key_refused")]);
  world.waha.setApiKey(WAHA_KEY);
  expect(await statusAt(world, 30)).toBe(200);
  expect(await statusAt(world, 40)).toBe(200);
  expect(logged()).toEqual(["healthy again"]);
});

test("a database that can't be reached is told without its address, user or password", async () => {
  const world = await createWorld(
    {},
    { LOG_LEVEL: "trace", DATABASE_URL: "mongodb://anna:hunter2@127.0.0.1:9/app" },
  );
  expect(await statusAt(world, 0)).toBe(503);
  const output = lines.join("");
  expect(logged()).toEqual([messageOf("database_unreachable", "ECONNREFUSED")]);
  for (const secret of ["anna", "hunter2", "127.0.0.1", SECRET, WAHA_KEY])
    expect(output).not.toContain(secret);
});

test("where WAHA and the database are both away, it is always the database that is named", async () => {
  const world = await createWorld({}, { LOG_LEVEL: "info", DATABASE_URL: "mongodb://127.0.0.1:9/app" });
  await world.waha.pause();
  for (const second of [0, 10]) expect(await statusAt(world, second)).toBe(503);
  expect(logged()).toEqual([messageOf("database_unreachable", "ECONNREFUSED")]);
});

test("a database that hangs does not keep the answer back until the platform ends the function", async () => {
  const world = await worldAfterPass();
  const hanging = { failCommands: ["find"], blockConnection: true, blockTimeMS: 14_000 };
  await failCommands(world, "alwaysOn", hanging);
  const began = performance.now();
  expect(await statusAt(world, 0)).toBe(503);
  expect(performance.now() - began).toBeLessThan(13_500);
  expect(logged()).toEqual([messageOf("database_unreachable")]);
});

test("an answer is kept for ten seconds, and those who ask at once share one", async () => {
  const world = await worldAfterPass();
  const commands = recordCommands(world);
  const before = world.waha.requestCount();
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(world, 100)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(world.waha.requestCount() - before).toBe(1);
  expect(commands).toHaveLength(2);
  await world.waha.pause();
  expect(await statusAt(world, 109.9)).toBe(200);
  expect(commands).toHaveLength(2);
  expect(await statusAt(world, 110)).toBe(503);
});

test("wrong settings are not ok; the log names them, the answer does not", async () => {
  const world = await createWorld({}, { LOG_LEVEL: "info", SEND_GAP_MS: "gap-7q" });
  const response = await ask(world, 0);
  expect(response.status).toBe(503);
  expect(await response.text()).toBe('{"ok":false}');
  expect(lines.join("")).toContain("SEND_GAP_MS");
  expect(lines.join("")).not.toContain("gap-7q");
  expect(logged()).toEqual(["settings are wrong"]);
});

test("HEAD is answered without a body, and nothing else is", async () => {
  const world = await worldAfterPass();
  const head = await ask(world, 0, { method: "HEAD" });
  expect([head.status, head.body]).toEqual([200, null]);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const response = await ask(world, 0, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  }
});
