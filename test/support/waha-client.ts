import { expect, onTestFinished } from "vitest";
import type { Fault, FaultAction } from "../../dev/waha-simulator/faults.ts";
import type { WahaSimulatorOptions } from "../../dev/waha-simulator/options.ts";
import { startWahaSimulator, type WahaSimulator } from "../../dev/waha-simulator/server.ts";
import { parseConfig } from "../../lib/config.ts";
import { openWaha, type Waha } from "../../lib/waha/client.ts";
import type { SendOutcome } from "../../lib/waha/outcome.ts";
import { freePort } from "./ports.ts";
import { WAHA_KEY } from "./world.ts";

/** The client at an address, until the test ends; an empty key is none. `settings` are the other ones. */
export function clientAt(url: string, key = WAHA_KEY, settings: NodeJS.ProcessEnv = {}): Waha {
  const waha = openWaha(
    parseConfig({
      DATABASE_URL: "mongodb://unused/app",
      WAHA_API_URL: url,
      WAHA_API_KEY: key,
      CRON_SECRET: "sixteen-letters!",
      ...settings,
    }),
  );
  onTestFinished(() => waha.close());
  return waha;
}

/** A simulated WAHA and the client of it, until the test ends. */
export async function startWaha(
  options: WahaSimulatorOptions = {},
): Promise<{ server: WahaSimulator; waha: Waha }> {
  const port = await freePort();
  const server = await startWahaSimulator({ port, apiKey: WAHA_KEY, refusalDelayMs: 1, ...options });
  onTestFinished(() => server.stop());
  return { server, waha: clientAt(server.url) };
}

export const CHAT = "491701234567@c.us";
/** For what is answered. */
export const LIMIT_MS = 60_000;

/** Sends one text, or what the fields say, to a session, `default` unless told otherwise. */
export const send = (waha: Waha, fields: Partial<Parameters<Waha["send"]>[0]> = {}, limitMs = LIMIT_MS) =>
  waha.send({ session: "default", chatId: CHAT, content: "Hello", ...fields }, limitMs);

/** What a send comes to that meets this fault. */
export async function sendThrough(action: FaultAction, limitMs = LIMIT_MS): Promise<SendOutcome> {
  const { server, waha } = await startWaha();
  server.addFault({ match: { route: "sendText" }, action } as Fault);
  const outcome = await send(waha, {}, limitMs);
  expect(server.requestCount({ route: "sendText" })).toBe(1);
  return outcome;
}

/** A fault that answers so, without sending. */
export const answering = (status: number, body: object | string = "", headers: Record<string, string> = {}) =>
  ({ type: "status", status, body, headers }) as const;
