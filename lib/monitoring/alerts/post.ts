import ky from "ky";
import type { Config } from "../../config.ts";
import { describeError, type Log } from "../../log.ts";
import type { Notification } from "./notification.ts";

/**
 * A receiver has five seconds. There is no retry: the next pass posts again. A redirect is not followed: it could lead
 * anywhere, and a POST would become a GET that is answered with 200.
 */
const OPTIONS = { timeout: 5_000, retry: 0, redirect: "error" } as const;

/**
 * Posts an alert. The address is a secret, so no line of the log holds it.
 *
 * @returns whether it was taken; true, too, without a webhook
 */
export async function postAlert(
  { ALERT_WEBHOOK_URL: url }: Config,
  log: Log,
  notification: Notification,
): Promise<boolean> {
  if (!url) return true;
  const post = () => ky.post(url, { ...OPTIONS, json: notification });
  return isTaken(log, "ALERT_WEBHOOK_URL", post);
}

/** Calls the heartbeat's address, as a good pass has run. */
export async function beat({ HEARTBEAT_URL: url }: Config, log: Log): Promise<void> {
  if (url) await isTaken(log, "HEARTBEAT_URL", () => ky.get(url, OPTIONS));
}

async function isTaken(log: Log, setting: string, request: () => Promise<Response>): Promise<boolean> {
  try {
    const response = await request();
    await response.body?.cancel();
    return true;
  } catch (error) {
    const status = (error as { response?: Response }).response?.status;
    log.warn({ setting, status, error: describeError(error) }, "the receiver did not take the call");
    return false;
  }
}
