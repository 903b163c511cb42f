import ky from "ky";
import type { Config } from "../../config.ts";
import { describeError, type Log } from "../../log.ts";
import type { Notification } from "./words.ts";

/** Whoever takes an alert or a heartbeat has so long. */
const TIMEOUT_MS = 5_000;

const OPTIONS = { timeout: TIMEOUT_MS, retry: 0 } as const;

/**
 * Posts an alert. The address is a secret: it is in no line of the log.
 *
 * @returns whether it was taken; true, too, where nobody is to be told
 */
export async function postAlert(
  { ALERT_WEBHOOK_URL: url }: Config,
  log: Log,
  notification: Notification,
): Promise<boolean> {
  if (!url) return true;
  return call(log, "ALERT_WEBHOOK_URL", () =>
    // One that were followed would become a GET, and be taken for told.
    ky.post(url, { ...OPTIONS, redirect: "error", json: notification }),
  );
}

/** Tells whoever waits for it that a good pass has run. */
export async function beat({ HEARTBEAT_URL: url }: Config, log: Log): Promise<void> {
  if (url) await call(log, "HEARTBEAT_URL", () => ky.get(url, OPTIONS));
}

async function call(log: Log, setting: string, request: () => Promise<Response>): Promise<boolean> {
  try {
    const response = await request();
    await response.body?.cancel();
    return true;
  } catch (error) {
    const status = (error as { response?: Response }).response?.status;
    log.warn(
      { setting, status, error: describeError(error) },
      "nobody took the call that this setting asks for",
    );
    return false;
  }
}
