import type { Config } from "../../config.ts";
import type { UnavailableError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { postAlert } from "./post.ts";
import type { Alert } from "./state.ts";
import { notificationOf } from "./words.ts";

/**
 * Alerts about the database itself, which can't remember them: each instance does for itself, by address, so that of
 * several at once each may tell.
 */
const standing = new Map<string, Alert & { told: boolean }>();

/** Trouble that the database remembered so lately is told from there, and not once more when it goes away for good. */
const LATELY_MS = 180_000;

/** When a pass of this instance met such trouble last, by address. */
const remembered = new Map<string, number>();

/** Notes whether the pass that was just recorded met trouble that the database itself remembers. */
export function noteRemembered(config: Config, isTrouble: boolean): void {
  const address = config.DATABASE_URL.url;
  if (isTrouble) remembered.set(address, Date.now());
  else remembered.delete(address);
}

/** Whether this instance has told that the database is away, and not yet that it is back. */
export function isToldAway(config: Config): boolean {
  return standing.get(config.DATABASE_URL.url)?.told ?? false;
}

/** Tells that the database is away, once. */
export async function databaseIsAway(config: Config, log: Log, reason: UnavailableError): Promise<void> {
  const address = config.DATABASE_URL.url;
  const before = standing.get(address);
  if (before?.told) return;
  if ((remembered.get(address) ?? 0) > Date.now() - LATELY_MS) return;
  const now = new Date();
  const { code, message } = reason;
  const since = before?.since ?? now;
  const alert: Alert = { kind: "database", about: "", code, message, since, lastAt: now };
  standing.set(address, { ...alert, told: true });
  if (!(await postAlert(config, log, notificationOf("database", "standing", [alert], now))))
    standing.set(address, { ...alert, told: false });
}

/** Tells that it is back, if this instance knew it to be away. */
export async function databaseIsBack(config: Config, log: Log): Promise<void> {
  const address = config.DATABASE_URL.url;
  const alert = standing.get(address);
  if (!alert) return;
  standing.delete(address);
  if (!(await postAlert(config, log, notificationOf("database", "over", [alert], new Date()))))
    standing.set(address, alert);
}
