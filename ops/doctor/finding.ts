import { errorPage, PROBLEMS, type ProblemCode } from "../../lib/problems.ts";

/** Fine; worth a look; or in the way of messages. */
export type Level = "ok" | "warning" | "problem";

/** What a check is about. */
export type CheckName =
  | "settings"
  | "vercel.json"
  | "database"
  | "indexes"
  | "documents"
  | "waha"
  | "sessions"
  | "next pass"
  | "passes"
  | "pacing";

/** One thing that was looked at, and what came of it; `remedy` says what to do. Neither holds a secret. */
export interface Finding {
  level: Level;
  check: CheckName;
  message: string;
  remedy?: string;
}

export const ok = (check: CheckName, message: string): Finding => ({ level: "ok", check, message });

export const warning = (check: CheckName, message: string, remedy: string): Finding => ({
  level: "warning",
  check,
  message,
  remedy,
});

export const problem = (check: CheckName, message: string, remedy: string): Finding => ({
  level: "problem",
  check,
  message,
  remedy,
});

/** What can't be looked at, as something else is not right; that has a finding of its own. */
export const notChecked = (check: CheckName, why: string): Finding =>
  warning(check, `not checked: ${why}`, "Put that right first, then run this again");

/**
 * A finding in the words that passes, too, use for it: what happened, then what to check.
 *
 * @param about what is particular here: a session, a count
 */
export function ofCode(
  level: Exclude<Level, "ok">,
  check: CheckName,
  code: ProblemCode,
  about?: string,
): Finding {
  const { happened, remedy } = PROBLEMS[code];
  const message = `${happened} [${code}${about ? `: ${about}` : ""}]`;
  return { level, check, message, remedy: `${remedy ? `${remedy}. ` : ""}See ${errorPage(code)}` };
}
