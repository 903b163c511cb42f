import { describe, expect, onTestFinished, test } from "vitest";
import type { FaultAction } from "../../dev/waha-simulator/faults.ts";
import { startWahaSimulator } from "../../dev/waha-simulator/server.ts";
import { failCommands } from "../support/fail-commands.ts";
import { freePort } from "../support/ports.ts";
import { createWorld, WAHA_KEY, type World } from "../support/world.ts";

/**
 * Calls the function, for real and for a dry run, and expects 503 with one clear line of this code from both.
 * Gives that line.
 */
async function expectUnavailable(world: World, code: string): Promise<string> {
  const responses = await Promise.all([world.call(), world.call("?dryRun=true")]);
  const lines: string[] = [];
  for (const response of responses) {
    expect(response.status).toBe(503);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const text = await response.text();
    expect(text).not.toMatch(/hunter2|node_modules|\bat \S+ \(|MongoServer/);
    expect(text).not.toContain(WAHA_KEY);
    const { ok, errors } = JSON.parse(text);
    expect(ok).toBe(false);
    expect(errors).toEqual([{ code, message: expect.any(String), count: 1 }]);
    lines.push(errors[0].message);
  }
  expect(lines[0]).toBe(lines[1]);
  expect(lines[0]).toMatch(/^[^\n]{20,250}$/);
  return lines[0] ?? "";
}

const meetSessions = (world: World, action: FaultAction) =>
  world.waha.addFault({ match: { route: "sessions" }, action });

const AWAY: [name: string, url: (port: number) => string, cause: RegExp][] = [
  ["whose port is closed", (port) => `mongodb://bob:hunter2@127.0.0.1:${port}/app`, /\(ECONNREFUSED\)$/],
  // What the resolver says depends on the network.
  ["whose srv record can't be had", () => "mongodb+srv://bob:hunter2@cluster.invalid/app", /\(E[A-Z]+\)$/],
  [
    "whose CA file is not there",
    (port) => `mongodb://127.0.0.1:${port}/app?tls=true&tlsCAFile=/hunter2.pem`,
    /\(ENOENT\)$/,
  ],
];

test.each(AWAY)("a database %s is said to be away, and why", async (_name, url, cause) => {
  const port = await freePort();
  const world = await createWorld({}, { DATABASE_URL: url(port) });
  const line = await expectUnavailable(world, "database_unreachable");
  expect(line).not.toContain(String(port));
  expect(line).toMatch(cause);
});

describe("a due message stays due, and the answer says why, where", () => {
  async function worldWithOneDue(): Promise<World> {
    const world = await createWorld();
    const [id] = await world.insert({});
    onTestFinished(async () => {
      world.waha.clearFaults();
      await world.waha.resume();
      world.waha.setApiKey(WAHA_KEY);
      expect(world.waha.acceptedCount()).toBe(0);
      expect(await world.find(id)).toMatchObject({ isSent: false, isPicked: false });
      expect(await world.pass()).toMatchObject({ ok: true, sent: 1 });
    });
    return world;
  }

  test("WAHA is away", async () => {
    const world = await worldWithOneDue();
    await world.waha.pause();
    expect(await expectUnavailable(world, "waha_unreachable")).toContain("WAHA_API_URL");
  });

  test("WAHA refuses the key", async () => {
    const world = await worldWithOneDue();
    world.waha.setApiKey("another-key");
    expect(await expectUnavailable(world, "waha_key_refused")).toContain("WAHA_API_KEY");
  });

  test.each([301, 302, 307, 308])("WAHA_API_URL leads to a redirect (%i)", async (status) => {
    const elsewhere = await startWahaSimulator();
    onTestFinished(() => elsewhere.stop());
    const world = await worldWithOneDue();
    const location = `${elsewhere.url}/api/sessions?token=hunter2`;
    meetSessions(world, { type: "status", status, headers: { location } });
    const line = await expectUnavailable(world, "waha_redirect");
    expect(elsewhere.requestCount()).toBe(0);
    expect(line).toContain("WAHA_API_URL");
    expect(line).toContain(elsewhere.url);
  });

  const NOT_WAHA: [name: string, status: number, body: object | string][] = [
    ["with a page", 200, "<html>Welcome to hunter2!</html>"],
    ["with another service's JSON", 200, { hunter2: [] }],
    ["not found", 404, "<html>hunter2 not found</html>"],
    ["with an error", 500, { exception: { message: "hunter2" } }],
  ];

  test.each(NOT_WAHA)("what answers at WAHA_API_URL is not WAHA: %s", async (_name, status, body) => {
    const world = await worldWithOneDue();
    meetSessions(world, { type: "status", status, body });
    const line = await expectUnavailable(world, "waha_bad_answer");
    expect(line).toContain("WAHA_API_URL");
    expect(line).toContain(`HTTP ${status}`);
  });
});

test.each(["", "?dryRun=true"])(
  "a call (%s) whose database hangs is cut off before the platform does it, and answered",
  async (query) => {
    const world = await createWorld({}, { PASS_SECONDS: "1", TAIL_SECONDS: "0.5" });
    const [id] = await world.insert({});
    const hanging = { failCommands: ["hello"], blockConnection: true, blockTimeMS: 3000 };
    const off = await failCommands(world, "alwaysOn", hanging);
    const response = await world.call(query);
    await off();
    expect(response.status).toBe(503);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({
      ok: false,
      errors: [{ code: "pass_overran", message: expect.any(String), count: 1 }],
    });
    expect(world.waha.acceptedCount()).toBe(0);
    expect(await world.find(id)).toMatchObject({ isSent: false, isPicked: false });
  },
);

test("a WAHA that hangs is said to be away before the pass has to end", async () => {
  const world = await createWorld({}, { PASS_SECONDS: "9", TAIL_SECONDS: "8.5" });
  await world.insert({});
  meetSessions(world, { type: "hangBefore" });
  const response = await world.call();
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ claimed: 0, errors: [{ code: "waha_unreachable" }] });
});
