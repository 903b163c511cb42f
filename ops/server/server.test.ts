import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Status } from "../../lib/monitoring/status/gather.ts";
import { SERVER, startHost } from "../../test/support/host.ts";
import { run } from "../../test/support/program.ts";
import { ago, SECRET } from "../../test/support/world.ts";
import { HEALTH_PATH, STATUS_PATH } from "./http.ts";
import { CRON_PATH } from "./settings.ts";

describe("a server of one's own", () => {
  test("runs a pass at once, and another every TICK_SECONDS", async () => {
    const { insert, server, waha, find } = await startHost({ TICK_SECONDS: "1" });
    await server.says(/"msg":"pass"/);

    const [id] = await insert({});
    await waha.accepted(1);
    await server.says(/"sent":1,/);

    expect(await find(id)).toMatchObject({ isSent: true });
    expect(server.output).not.toContain(SECRET);
  });

  test("says first which database and which WAHA it works on, and what is near a setting and is none", async () => {
    const { server, waha } = await startHost({ TICK_SECONDS: "60", LOOKBACK: "600" });
    await server.says(/"msg":"pass"/);
    const [first, second] = server.output.split("\n").map((line) => line && JSON.parse(line));
    expect(first).toMatchObject({
      msg: "started",
      database: expect.stringMatching(/^127\.0\.0\.1:\d+\/.+$/),
      waha: new URL(waha.url).host,
    });
    expect([first.everySeconds, first.staySeconds]).toEqual([60, undefined]);
    expect(second).toMatchObject({ level: 40, msg: "LOOKBACK is no setting; LOOKBACK_SECONDS?" });
    expect(server.output).not.toContain("mongodb:");
  });

  test("sends most messages that are written before their time within a second of it, by default", async () => {
    const { insert, messages, server, waha } = await startHost({ STAY_SECONDS: undefined });
    await server.says(/"msg":"started"/);

    // A pass looks every 2.5 s: by its looks alone three of them would be a second late or more.
    await insert(...[5, 7, 9, 11, 13].map((seconds) => ({ scheduledAt: ago(-seconds) })));
    await waha.accepted(5);
    const sent = messages.find({ isSent: true }).sort({ scheduledAt: 1 });
    await expect.poll(() => sent.clone().toArray()).toHaveLength(5);

    const late = (await sent.toArray()).map(({ scheduledAt, sentAt }) => sentAt - scheduledAt);
    const [least = -1, , median] = late.sort((a, b) => a - b);
    expect(least).toBeGreaterThanOrEqual(0);
    expect(median).toBeLessThan(1_000);
    expect(server.output).not.toContain('"level":40');
  });

  test("is healthy while its first pass stays, which is told as that; and says how long passes stay", async () => {
    const { ask, server } = await startHost({ STAY_SECONDS: undefined });
    const started = await server.says(/^(.*"msg":"started".*)$/m);
    expect(JSON.parse(started)).toMatchObject({ staySeconds: 50 });
    expect(started).not.toContain("everySeconds");

    expect((await ask(HEALTH_PATH, { headers: {} })).status).toBe(200);
    const { ok, verdict } = (await (await ask(STATUS_PATH)).json()) as Status;
    expect([ok, verdict.level, verdict.headline]).toEqual([false, "warning", "The first pass is under way"]);
    expect(server.output).not.toContain('"level":50');
  });

  test("serves the function to those who know the secret, and nothing else", async () => {
    const { ask } = await startHost({ TICK_SECONDS: "60" });

    expect((await ask(`${CRON_PATH}?dryRun=true`)).status).toBe(200);
    expect((await ask(CRON_PATH, { headers: {} })).status).toBe(401);
    expect((await ask(`${CRON_PATH}/?dryRun=true`)).status).toBe(200);
    expect((await ask(`${CRON_PATH}/else`)).status).toBe(404);
    expect((await ask("/")).status).toBe(404);
  });

  test("fills its settings up from .env", async () => {
    const server = await run(SERVER, { env: { PORT: "-1" }, envFile: "TICK_SECONDS=soon\nPORT=0\n" });

    expect(await server.exited).toEqual([1, null]);
    expect(server.output).toMatch(/^ {2}PORT must be at least 0$/m);
    expect(server.output).toMatch(/^ {2}TICK_SECONDS must be a whole number/m);
  });

  test("names every wrong setting in plain lines, and ends with 1", async () => {
    const server = await run(SERVER, { env: { CRON_SECRET: "short", WAHA_API_URL: "nowhere" } });

    expect(await server.exited).toEqual([1, null]);
    expect(server.output.trim().split("\n")).toEqual([
      expect.stringMatching(/^Settings are wrong/),
      "  DATABASE_URL is not set",
      "  WAHA_API_URL must be an http:// or https:// address",
      "  CRON_SECRET must have 16 characters or more",
    ]);
  });

  test("names settings that don't fit one another together with those that are wrong by themselves", async () => {
    const settings = { ...COMPLETE, PORT: "-1", TICK_SECONDS: "120", TAIL_SECONDS: "60", LOG_LEVEL: "loud" };
    const server = await run(SERVER, { env: settings });

    expect(await server.exited).toEqual([1, null]);
    const named = [...server.output.matchAll(/^ {2}([A-Z_]+) /gm)].map(([, name]) => name);
    expect(named.sort()).toEqual(["LOG_LEVEL", "PORT", "TAIL_SECONDS", "TICK_SECONDS"]);
  });

  test.each(["192.0.2.1", "no-such-host.invalid"])(
    "says that HOST=%s is not its own, and ends with 1",
    async (HOST) => {
      const server = await run(SERVER, { env: { ...COMPLETE, PORT: "0", HOST } });

      expect(await server.exited).toEqual([1, null]);
      expect(server.output).toMatch(
        /^Can't listen at HOST and PORT \((EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN)\): HOST is no address of this computer\. [^\n]*\n$/,
      );
    },
  );

  test("says in one line that the port is taken, and ends with 1", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;

    const server = await run(SERVER, { env: { ...COMPLETE, PORT: String(port) } });

    expect(await server.exited).toEqual([1, null]);
    expect(server.output).toMatch(/^Can't listen at HOST and PORT \(EADDRINUSE\): [^\n]*\n$/);
  });
});

/** Settings with nothing behind them. */
const COMPLETE = {
  DATABASE_URL: "mongodb://bob:hunter2@127.0.0.1:9/app",
  WAHA_API_URL: "http://127.0.0.1:9",
  CRON_SECRET: SECRET,
  PORT: "0",
};
