import type { Config } from "../../config.ts";
import type { UnavailableError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Alert } from "./alert.ts";
import { notificationOf } from "./notification.ts";
import { postAlert } from "./post.ts";

/**
 * A database that is away can't remember that it is. Each instance of the function remembers it, by the database's
 * address, so several instances may tell it.
 */
const standing = new Map<string, Alert & { told: boolean }>();

/**
 * Trouble that the database itself remembers was told from there. If it goes away within this time after, that is the
 * same trouble, and is not told again.
 */
const REMEMBERED_MS = 180_000;

/** When a pass of this instance met such trouble last, by address. */
const rememberedAt = new Map<string, number>();

/** Notes whether the pass that was just recorded met trouble that the database itself remembers. */
export function noteRemembered(config: Config, isTrouble: boolean): void {
  const address = config.DATABASE_URL.url;
  if (isTrouble) rememberedAt.set(address, Date.now());
  else rememberedAt.delete(address);
}

/** Whether this instance has told that the database is away, and not yet that it is back. */
export function isToldAway(config: Config): boolean {
  return standing.get(config.DATABASE_URL.url)?.told ?? false;
}

/** Tells that the database is away, once. If the post was not taken, the next pass tells. */
export async function databaseIsAway(config: Config, log: Log, reason: UnavailableError): Promise<void> {
  const address = config.DATABASE_URL.url;
  const before = standing.get(address);
  if (before?.told) return;
  if ((rememberedAt.get(address) ?? 0) > Date.now() - REMEMBERED_MS) return;
  const now = new Date();
  const { code, message } = reason;
  const alert: Alert = {
    kind: "database",
    about: "",
    code,
    message,
    since: before?.since ?? now,
    lastAt: now,
  };
  // Noted before the post, so that of two passes at once one tells.
  standing.set(address, { ...alert, told: true });
  if (!(await postAlert(config, log, notificationOf("database", "standing", [alert], now))))
    standing.set(address, { ...alert, told: false });
}

/** Tells that the database is back, if this instance knew it to be away. */
export async function databaseIsBack(config: Config, log: Log): Promise<void> {
  const address = config.DATABASE_URL.url;
  const alert = standing.get(address);
  if (!alert) return;
  standing.delete(address);
  if (!(await postAlert(config, log, notificationOf("database", "over", [alert], new Date()))))
    standing.set(address, alert);
}
