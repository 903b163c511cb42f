import { gowsError } from "../../waha-simulator/engine-errors.ts";
import type { Fault } from "../../waha-simulator/faults.ts";
import type { SessionOptions } from "../../waha-simulator/options.ts";
import { startWahaSimulator, type WahaSimulator } from "../../waha-simulator/server.ts";

/**
 * The sample's WhatsApp accounts: one on every engine, one whose phone was logged out, and the one that the README's
 * example names, to which the sample itself writes nothing.
 */
export const SESSIONS = [
  { name: "shop", engine: "NOWEB" },
  { name: "doctor", engine: "GOWS" },
  { name: "club", engine: "WEBJS" },
  { name: "depot", engine: "NOWEB", status: "SCAN_QR_CODE" },
  { name: "default", engine: "NOWEB" },
] as const satisfies SessionOptions[];

/** Its number is not on WhatsApp, as GOWS finds out. */
export const UNKNOWN_NUMBER_CHAT = "447700900666@c.us";

/** What is sent to it arrives, but WAHA's answer does not. */
export const LOST_ANSWER_CHAT = "447700900999@c.us";

const FAULTS: Fault[] = [
  { match: { route: "sendText", chatId: UNKNOWN_NUMBER_CHAT }, action: gowsError("numberNotFound") },
  { match: { route: "sendText", chatId: LOST_ANSWER_CHAT }, action: { type: "resetAfter" } },
];

/** How long a send takes: less than in real life, and enough to be seen. */
const LATENCY_MS = 40;

/** Starts the simulated WAHA that the sample's documents speak of. */
export async function startSampleWaha(apiKey: string): Promise<WahaSimulator> {
  const waha = await startWahaSimulator({ apiKey, latencyMs: LATENCY_MS, sessions: SESSIONS });
  for (const fault of FAULTS) waha.addFault(fault);
  return waha;
}
