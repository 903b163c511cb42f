import { expect, test } from "vitest";
import { messageOf } from "../../lib/problems.ts";
import { SERVER, startHost } from "../../test/support/host.ts";
import { freePort } from "../../test/support/ports.ts";
import { type Program, run } from "../../test/support/program.ts";
import { RECEIVERS_SECRET, startReceiver } from "../../test/support/receiver.ts";
import { SECRET, WAHA_KEY } from "../../test/support/world.ts";
import { HEALTH_PATH, STATUS_PATH } from "./http.ts";

const UNREACHABLE = messageOf("waha_unreachable");
/** The port is closed once WAHA is gone. */
const WORDS = messageOf("waha_unreachable", "ECONNREFUSED");

/** Settings with nothing behind them. */
const NOTHING_THERE = {
  DATABASE_URL: "mongodb://bob:hunter2@127.0.0.1:9/app",
  WAHA_API_URL: "http://127.0.0.1:9",
  CRON_SECRET: SECRET,
  PORT: "0",
};

/** Health is kept for ten seconds, and a busy machine takes its time. */
const PATIENCE = { interval: 250 };

/** A simulated WAHA as a process of its own, so that it can be killed. */
async function startWaha(port: number): Promise<Program> {
  const options = JSON.stringify({ apiKey: WAHA_KEY });
  const program = await run([process.execPath, "dev/waha-simulator/main.ts", String(port), options]);
  await program.says(/"url":"/);
  return program;
}

/** Waits until `count` more passes have ended. */
async function morePasses(server: Program, count: number): Promise<void> {
  const ended = () => logged(server, "pass").length;
  const before = ended();
  await expect.poll(ended, PATIENCE).toBeGreaterThanOrEqual(before + count);
}

test("WAHA killed, and started again: log, status and health each say so in the same words, and one alert does", async () => {
  const [webhook, heart] = [await startReceiver(), await startReceiver()];
  const port = await freePort();
  const waha = await startWaha(port);
  const { ask, server } = await startHost({
    ALERT_WEBHOOK_URL: webhook.url,
    HEARTBEAT_URL: heart.url,
    TICK_SECONDS: "1",
    WAHA_API_URL: `http://127.0.0.1:${port}`,
  });
  const health = async () => (await ask(HEALTH_PATH, { headers: {} })).status;
  const headline = async () => {
    const page = await ask(STATUS_PATH, {
      headers: { authorization: `Bearer ${SECRET}`, accept: "text/html" },
    });
    return /<h1>(.*?)<\/h1>/.exec(await page.text())?.[1];
  };
  const alerts = () => webhook.taken.map(({ body }) => JSON.parse(body));
  await expect.poll(() => heart.taken.length, PATIENCE).toBeGreaterThan(0);
  expect(await health()).toBe(200);

  waha.signal("SIGKILL");
  await waha.exited;
  await server.says(/"code":"waha_unreachable"/);
  await expect.poll(() => webhook.taken.length, PATIENCE).toBe(1);
  await expect.poll(health, PATIENCE).toBe(503);
  const beats = heart.taken.length;
  await morePasses(server, 2);
  expect(heart.taken.length).toBe(beats);
  expect(logged(server, "pass").at(-1)).toMatchObject({ ok: false, errors: [{ message: WORDS }] });
  const saidSo = Object.groupBy(logged(server, WORDS), ({ passId }) => (passId ? "passes" : "health"));
  expect(saidSo.health).toHaveLength(1);
  expect(saidSo.passes?.length).toBeGreaterThanOrEqual(2);
  // The first look may have been under way when WAHA was killed: then it is another detail.
  expect(alerts()[0]).toMatchObject({ state: "standing", text: expect.stringContaining(UNREACHABLE) });
  expect(await headline()).toBe("WAHA can&#39;t be reached: nothing is sent");

  await startWaha(port);
  await expect.poll(() => webhook.taken.length, PATIENCE).toBe(2);
  await expect.poll(health, PATIENCE).toBe(200);
  await morePasses(server, 2);
  expect(heart.taken.length).toBeGreaterThan(beats);
  expect(await headline()).toMatch(/^Running: last pass \d+ s ago$/);
  expect(alerts()[1]).toMatchObject({ state: "over", text: expect.stringContaining("WAHA is back") });
  expect(webhook.taken).toHaveLength(2);
  expect(server.output).not.toContain(RECEIVERS_SECRET);
});

test("a server of one's own stays up where the database is away, says so at each tick, and ends well", async () => {
  const server = await run(SERVER, { env: { ...NOTHING_THERE, TICK_SECONDS: "1" } });

  await server.says(/("msg":"the database can't be reached.*){2}/s);
  server.signal("SIGTERM");

  expect(await server.exited).toEqual([0, null]);
  expect(server.output).not.toContain("hunter2");
});

/** The lines of its log with this message. */
function logged({ output }: Program, message: string): Record<string, unknown>[] {
  return output
    .split("\n")
    .slice(0, -1) // what is not a line yet
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === message);
}
