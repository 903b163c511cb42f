import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Summary } from "../../lib/monitoring/report.ts";
import { testDatabase } from "../../test/support/database.ts";
import { type Program, run } from "../../test/support/program.ts";
import { ago, message } from "../../test/support/world.ts";
import type { LedgerEntry } from "../waha-simulator/ledger.ts";
import { startWahaSimulator } from "../waha-simulator/server.ts";

const REAL_SECRET = "a-real-secret-of-a-user";

/** Starts it where no .env is, unless one is given. */
function startDev(args: string[], env: NodeJS.ProcessEnv = {}, envFile?: string): Promise<Program> {
  return run([process.execPath, "dev/serve/main.ts", ...args], { env, envFile });
}

/** The README's first example, due now. */
function firstExample(): string {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, code = ""] = /```js\n(.*?)```/s.exec(readme) ?? [];
  return code.replace(/new Date\(.*?\)/, "new Date()");
}

/** The URL and the header of the command that it prints to paste. */
async function pasted(dev: Program): Promise<{ url: string; headers: { authorization: string } }> {
  const command = await dev.says(/^ *(curl -H "Authorization: Bearer \S+" \S+)$/m);
  const [, secret, url] = /Bearer (\S+)" (\S+)/.exec(command) as unknown as [string, string, string];
  return { url, headers: { authorization: `Bearer ${secret}` } };
}

describe("without --live", () => {
  test.each([
    [["--documents", "whatsapp-waha-dashboard"], {}],
    [[], { DOCUMENTS: "whatsapp-waha-dashboard" }],
  ])("%j with %j has that app's documents, and says so", async (args, env) => {
    const dev = await startDev(["--port", "0", ...args], env);
    await dev.says(/^ {2}documents +whatsapp-waha-dashboard: messages are in the collection Message$/m);
    await dev.says(/200 in [\d.]+ s: \d+ sent/);
  });

  test("shows the key of the simulated WAHA, which takes it", async () => {
    const dev = await startDev(["--port", "0"]);
    const key = await dev.says(/^ {2}its key +(\S+)$/m);
    const waha = await dev.says(/WAHA simulator +(\S+)/);
    const statusWith = async (headers: Record<string, string>) =>
      (await fetch(`${waha}/api/sessions`, { headers })).status;
    expect([await statusWith({}), await statusWith({ "X-Api-Key": key })]).toEqual([401, 200]);
  });

  test.each([
    [["--documents", "mine"], {}, /"mine" names no documents .* plain or whatsapp-waha-dashboard/],
    [[], { DOCUMENTS: '{"messages": {}}' }, /give --documents plain/],
    [["--live", "--documents", "plain"], {}, /with --live set DOCUMENTS/],
  ])("%j with %j is refused in a line", async (args, env, words) => {
    const dev = await startDev(args, env);
    expect(await dev.exited).toEqual([1, null]);
    expect(dev.output).toMatch(words);
    expect(dev.output.trim().split("\n")).toHaveLength(1);
  });

  test("serves on a simulated world, whatever the environment says", async () => {
    const real = testDatabase();
    const realWaha = await startWahaSimulator();
    onTestFinished(() => realWaha.stop());
    const dev = await startDev(["--port", "0"], {
      DATABASE_URL: real.url,
      WAHA_API_URL: realWaha.url,
      CRON_SECRET: REAL_SECRET,
    });

    const { url, headers } = await pasted(dev);
    const statusOf = async (path: string, init: RequestInit) => (await fetch(url + path, init)).status;
    expect(await statusOf("?dryRun=true", { headers })).toBe(200);
    expect(await statusOf("", {})).toBe(401);
    expect(await statusOf("", { headers: { authorization: `Bearer ${REAL_SECRET}` } })).toBe(401);
    expect(await statusOf("", { method: "POST", headers })).toBe(405);
    expect(await statusOf("/else", { headers })).toBe(404);
    await dev.says(/200 in [\d.]+ s: \d+ sent/);
    expect(realWaha.requests).toEqual([]);
    expect(await real.db.listCollections().toArray()).toEqual([]);
    expect(dev.output).not.toContain(REAL_SECRET);
  });

  test("sends the README's example on the session that it names, at the next pass", async () => {
    const dev = await startDev(["--port", "0"]);
    const { url, headers } = await pasted(dev);
    expect(dev.output).toMatch(/^ {2}sessions +shop, doctor, club, default; depot is logged out$/m);
    const databaseUrl = await dev.says(/MongoDB +(mongodb:\S+)/);
    const ledgerUrl = await dev.says(/accepted: (http:\S+\/ledger)\)/);

    const example = await run([process.execPath, "--input-type=module", "--eval", firstExample()], {
      env: { DATABASE_URL: databaseUrl },
    });
    expect([await example.exited, example.output]).toEqual([[0, null], ""]);
    await fetch(url, { headers });

    const sessions = async () => {
      const ledger = (await (await fetch(ledgerUrl)).json()) as LedgerEntry[];
      return ledger.filter(({ text }) => text.startsWith("Hello Anna")).map(({ session }) => session);
    };
    await expect.poll(sessions).toEqual(["default"]);
  });

  test("settles what is under way when Ctrl-C reaches every process of the terminal", async () => {
    const dev = await startDev(["--port", "0"]);
    const ledgerUrl = await dev.says(/accepted: (http:\S+\/ledger)\)/);
    const readLedger = async () => (await (await fetch(ledgerUrl)).json()) as LedgerEntry[];
    await vi.waitFor(async () => expect((await readLedger()).length).toBeGreaterThan(2), 60_000);

    dev.interrupt();

    expect(await dev.exited).toEqual([0, null]);
    expect(dev.output).toMatch(
      /WAHA accepted (\d+) messages\. In the database \1 messages are marked as sent\.\nStopped\.\n$/,
    );
    expect(dev.output).toMatch(/200 in [\d.]+ s: \d+ sent/);
  });

  test("says in one line that the port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;

    const dev = await startDev([], { PORT: String(port) });

    expect(await dev.exited).toEqual([1, null]);
    expect(dev.output).toMatch(new RegExp(`^Port ${port} cannot be used .*\n$`));
  });
});

describe("with --live", () => {
  test("names each missing setting, in the environment or .env, and ends", async () => {
    const dev = await startDev(["--live", "--port", "0"], {}, `CRON_SECRET=${REAL_SECRET}\nWAHA_API_URL=x\n`);

    expect(await dev.exited).toEqual([1, null]);
    expect(dev.output).toMatch(/^ {2}DATABASE_URL is not set$/m);
    expect(dev.output).toMatch(/^ {2}WAHA_API_URL must be an http:\/\/ or https:\/\/ address$/m);
    expect(dev.output).not.toMatch(/^ {2}CRON_SECRET/m);
  });

  test("ends a pass early on Ctrl-C: what is under way is settled, the rest is given back", async () => {
    const { dev, db, waha, callItself } = await liveWorld({ latencyMs: 100 });
    const documents = Array.from({ length: 40 }, (_, place) => message({ scheduledAt: ago(60 - place) }));
    await db.collection("messages").insertMany(documents);

    const call = callItself();
    await waha.accepted(3);
    dev.interrupt();

    expect(await dev.exited).toEqual([0, null]);
    const { sent: bySelf } = (await (await call).json()) as Summary;
    // At the turn of a minute the cron may have come first.
    const byCron = [...dev.output.matchAll(/200 in [\d.]+ s: (\d+) sent/g)].map(([, count]) => Number(count));
    const sent = byCron.reduce((sum, count) => sum + count, bySelf);
    const count = (filter: object) => db.collection("messages").countDocuments(filter);
    expect(waha.ledger.length).toBeLessThan(40);
    expect(new Set(waha.ledger.map(({ text }) => text)).size).toBe(waha.ledger.length);
    expect(sent).toBe(waha.ledger.length);
    expect(await count({ isSent: true, "delivery.state": "sent" })).toBe(sent);
    expect(await count({ isPicked: false, "delivery.state": { $in: [null, "released"] } })).toBe(40 - sent);
    expect(dev.output).toContain("LIVE: this sends REAL WhatsApp messages");
    expect(dev.output).toContain('"Authorization: Bearer $CRON_SECRET"');
    expect(dev.output).not.toContain(REAL_SECRET);
  });

  test("ends at once on a second Ctrl-C", async () => {
    const { dev, db, waha, callItself } = await liveWorld();
    waha.addFault({ match: { route: "sendText" }, action: { type: "hangBefore" } });
    await db.collection("messages").insertOne(message());

    callItself().catch(() => "the connection is cut");
    await waha.received("sendText", 1);
    const press = setInterval(() => dev.interrupt(), 50);
    const exited = await dev.exited.finally(() => clearInterval(press));

    expect(exited).toEqual([130, null]);
  });
});

/** `npm run dev -- --live` on a database and a WAHA of the test's own. */
async function liveWorld(simulator: { latencyMs?: number } = {}) {
  const { url: DATABASE_URL, db } = testDatabase();
  const waha = await startWahaSimulator(simulator);
  onTestFinished(() => waha.stop());
  const dev = await startDev(["--live", "--port", "0"], {
    DATABASE_URL,
    WAHA_API_URL: waha.url,
    WAHA_DEFAULT_SESSION: "default",
    CRON_SECRET: REAL_SECRET,
  });
  const { url } = await pasted(dev);
  return {
    dev,
    db,
    waha,
    callItself: () => fetch(url, { headers: { authorization: `Bearer ${REAL_SECRET}` } }),
  };
}
