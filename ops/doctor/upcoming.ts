import { addSeconds } from "../../lib/clock.ts";
import type { Config } from "../../lib/config.ts";
import type { Database } from "../../lib/mongo/client.ts";
import { type Foreseen, foreseeDue } from "../../lib/pass/forecast.ts";
import type { WahaSession } from "../../lib/waha/responses.ts";
import { LOOK_MS } from "./run-check.ts";

/** How far ahead the doctor looks, and at how many messages at the most, those due first. */
const HORIZON_SECONDS = 24 * 3600;
export const MOST_MESSAGES = 20_000;

/**
 * What is foreseen of the messages that are due now or within {@link HORIZON_SECONDS}, {@link MOST_MESSAGES} at the most.
 *
 * @param sessions WAHA's; without any each message waits, or its campaign is on hold
 */
export async function lookAhead(
  db: Database,
  config: Config,
  now: Date,
  sessions: Map<string, WahaSession>,
): Promise<Foreseen[]> {
  const window = { from: addSeconds(now, -config.LOOKBACK_SECONDS), to: addSeconds(now, HORIZON_SECONDS) };
  const limits = { most: MOST_MESSAGES, maxTimeMS: LOOK_MS };
  return (await foreseeDue(db, config, sessions, { ...limits, window, now })).messages;
}
