import { describe, expect, test } from "vitest";
import { createHostWorld, type Host, startHost, startServer } from "../../test/support/host.ts";
import { startReceiver } from "../../test/support/receiver.ts";
import { ago, message, type World } from "../../test/support/world.ts";

/** How long after SIGTERM hosts kill, unless they are told otherwise. */
const KILLED_AFTER_MS = 15_000;

/** Sends a signal, and gives how the server ended and how long it took, in milliseconds. */
async function stop({ server }: Pick<Host, "server">, signal: NodeJS.Signals = "SIGTERM") {
  const began = performance.now();
  server.signal(signal);
  const exited = await server.exited;
  return { exited, tookMs: performance.now() - began };
}

const count = ({ messages }: World, filter: object) => messages.countDocuments(filter);
const heldLeases = ({ scheduler }: World) => scheduler.countDocuments({ expiresAt: { $gt: new Date() } });

describe("npm start, 1,000 messages being due, and SIGTERM in the middle", () => {
  const NPM_START = ["npm", "start"];
  const SESSIONS = Array.from({ length: 20 }, (_, index) => ({ name: `session-${index}` }));

  test("ends well in time, ledger and database agree, and a second one sends the rest", async () => {
    const host = await createHostWorld({ LOOKBACK_SECONDS: "3600" }, { latencyMs: 100, sessions: SESSIONS });
    const documents = Array.from({ length: 1000 }, (_, place) =>
      message({ sessionId: SESSIONS[place % 20]?.name, scheduledAt: ago(600 - place / 10) }),
    );
    await host.messages.insertMany(documents);

    const first = await startServer(host, NPM_START);
    await host.waha.accepted(300);
    const { exited, tookMs } = await stop(first);

    expect(exited).toEqual([0, null]);
    expect(tookMs).toBeLessThan(KILLED_AFTER_MS);
    const accepted = host.waha.ledger.length;
    expect(accepted).toBeLessThan(1000);
    expect(await count(host, { isSent: true, "delivery.state": "sent" })).toBe(accepted);
    expect(await count(host, { isPicked: false, isSent: false })).toBe(1000 - accepted);
    expect(await heldLeases(host)).toBe(0);

    const second = await startServer(host, NPM_START);
    await host.waha.accepted(1000);
    expect((await stop(second)).exited).toEqual([0, null]);
    expect(new Set(host.waha.ledger.map(({ chatId }) => chatId)).size).toBe(1000);
    expect(host.waha.ledger).toHaveLength(1000);
    expect(await count(host, { isSent: true, "delivery.state": "sent" })).toBe(1000);
  });
});

describe("a signal while WAHA does not answer", () => {
  async function startStuck(): Promise<Host> {
    const host = await startHost({ TICK_SECONDS: "60" });
    await host.server.says(/"msg":"pass"/);
    host.waha.addFault({ match: { route: "sendText" }, action: { type: "hangBefore" } });
    await host.insert({ scheduledAt: ago(11) }, { scheduledAt: ago(10) });
    // The pass's end is not the test's: the server answers it while it stops, or is ended before.
    host.ask("/api/cron").catch(() => "cut");
    await host.waha.received("sendText", 1);
    return host;
  }

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s leaves the POST to be looked up after 10 seconds, and gives back what was only claimed",
    async (signal) => {
      const host = await startStuck();

      const { exited, tookMs } = await stop(host, signal);

      expect(exited).toEqual([0, null]);
      expect(tookMs).toBeGreaterThan(9_500);
      expect(tookMs).toBeLessThan(KILLED_AFTER_MS);
      const states = await host.messages.distinct("delivery.state");
      expect(states.sort()).toEqual(["attempting", "released"]);
      expect(await count(host, { "delivery.nextLookupAt": { $exists: true } })).toBe(1);
      // The POST may still be under way in WAHA: the lease of its session runs out.
      expect(await heldLeases(host)).toBe(1);
      expect(host.server.output).toMatch(/"msg":"stopped"\}\n$/);
    },
    60_000,
  );

  test("a second signal ends the process at once", async () => {
    const host = await startStuck();

    host.server.signal("SIGTERM");
    const again = setInterval(() => host.server.signal("SIGTERM"), 50);
    const exited = await host.server.exited.finally(() => clearInterval(again));

    expect(exited).toEqual([130, null]);
  });
});

test("a server that stops waits for an alert on its way, but not for one that is not taken", async () => {
  const receiver = await startReceiver();
  receiver.status = 0;
  const host = await createHostWorld({ TICK_SECONDS: "60", ALERT_WEBHOOK_URL: receiver.url });
  await host.insert({ chatId: "bad" });
  const started = await startServer(host);
  await expect.poll(() => receiver.taken.length).toBe(1);

  const { exited, tookMs } = await stop(started);

  expect(exited).toEqual([0, null]);
  expect(tookMs).toBeLessThan(KILLED_AFTER_MS);
  expect(started.server.output).toMatch(/"setting":"ALERT_WEBHOOK_URL".*"msg":"stopped"/s);
});
