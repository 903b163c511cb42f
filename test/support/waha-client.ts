import { onTestFinished } from "vitest";
import type { WahaSimulatorOptions } from "../../dev/waha-simulator/options.ts";
import { startWahaSimulator, type WahaSimulator } from "../../dev/waha-simulator/server.ts";
import { parseConfig } from "../../lib/config.ts";
import { openWaha, type Waha } from "../../lib/waha/client.ts";
import { WAHA_KEY } from "./world.ts";

/** The client at an address, until the test ends; an empty key is none. */
export function clientAt(url: string, key = WAHA_KEY): Waha {
  const waha = openWaha(
    parseConfig({
      DATABASE_URL: "mongodb://unused/app",
      WAHA_API_URL: url,
      WAHA_API_KEY: key,
      CRON_SECRET: "sixteen-letters!",
    }),
  );
  onTestFinished(() => waha.close());
  return waha;
}

/** A simulated WAHA and the client of it, until the test ends. */
export async function startWaha(
  options: WahaSimulatorOptions = {},
): Promise<{ server: WahaSimulator; waha: Waha }> {
  const server = await startWahaSimulator({ apiKey: WAHA_KEY, refusalDelayMs: 1, ...options });
  onTestFinished(() => server.stop());
  return { server, waha: clientAt(server.url) };
}
