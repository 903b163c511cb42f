import { styleText } from "node:util";
import { parseConfig } from "../../lib/config.ts";
import { shownDatabase } from "../../lib/database-url.ts";
import type { Backend } from "./simulated.ts";

/**
 * The real database and the real WAHA that the settings name.
 *
 * @throws ConfigError naming every wrong setting
 */
export function live(env: NodeJS.ProcessEnv): Backend {
  const { DATABASE_URL, WAHA_API_URL } = parseConfig(env);
  return {
    env: { ...env, LOG_LEVEL: env.LOG_LEVEL || "warn" },
    lines: [
      styleText(["bold", "red"], "LIVE: this sends REAL WhatsApp messages to REAL people."),
      `  database  ${shownDatabase(DATABASE_URL)}`,
      `  WAHA      ${new URL(WAHA_API_URL).host}`,
    ],
    shownSecret: "$CRON_SECRET",
    // Started by mistake, it can be stopped before the next minute.
    callAtOnce: false,
    // The real WAHA sends its events where it was told to.
    listen: () => undefined,
    stop: async () => undefined,
  };
}
