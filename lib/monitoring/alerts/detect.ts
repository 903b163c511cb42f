import type { UnavailableError } from "../../errors.ts";
import { neutral } from "../../neutral.ts";
import { messageOf, PROBLEMS, type ProblemCode } from "../../problems.ts";
import { SUSPENSION_CODES } from "../../sessions/leases.ts";
import { type Suspension, tellSuspension } from "../../sessions/suspensions.ts";
import type { WahaSession } from "../../waha/responses.ts";
import type { PassReport } from "../report.ts";
import { type Alert, type AlertsDocument, alertKey, byKey, UNSENT, type Unsent } from "./alert.ts";

/** How many kinds of problems the words on messages name. */
const NAMED_PROBLEMS = 3;

/** What a pass came to, and the sessions that rest at its end. */
export interface Situation extends PassReport {
  suspensions: readonly Suspension[];
}

/** An alert, without the times at which passes met it. */
type Found = Pick<Alert, "kind" | "about" | "code" | "message">;

/**
 * Finds the alerts that a pass met, whether they stand already or not.
 *
 * @param isOutdated another pass has looked at WAHA since: nothing is said about WAHA and its sessions
 */
export function detectAlerts(
  { entries, unannounced, working }: AlertsDocument,
  report: Situation,
  isOutdated: boolean,
  now: Date,
): Alert[] {
  const found = [
    ...(isOutdated ? [] : [...wahaAway(report), ...sessionsDown(report, working)]),
    ...databaseAway(report),
    ...defect(report),
    ...unsent(report, unannounced),
    ...refusedLate(report),
    ...silentSessions(report),
    ...suspended(report),
  ];
  const remembered = byKey(entries);
  return found.map((alert) => {
    const since = remembered.get(alertKey(alert))?.since ?? now;
    return { ...alert, since, lastAt: now };
  });
}

/** Whether a session works, or will in a moment: WAHA restarts sessions now and then. */
export function isFine(session: WahaSession | undefined): boolean {
  return session?.status === "WORKING" || session?.status === "STARTING";
}

/** The sessions that work, by name, sorted. */
export function namesOfWorking(sessions: Map<string, WahaSession>): string[] {
  return namesWhere(sessions, ({ status }) => status === "WORKING");
}

/** The sessions that meet a condition, by name, sorted. */
export function namesWhere(
  sessions: Map<string, WahaSession>,
  condition: (session: WahaSession) => boolean,
): string[] {
  return [...sessions.values()]
    .filter(condition)
    .map(({ name }) => name)
    .sort();
}

function wahaAway({ sessions, unavailable }: PassReport): Found[] {
  // A pass that stays may have found WAHA away at first, and back when it looked last.
  if (sessions) return [];
  const reason = unavailable.find(({ code }) => code.startsWith("waha_"));
  return reason ? [{ kind: "waha", about: "", code: reason.code, message: reason.message }] : [];
}

function sessionsDown({ sessions }: PassReport, working: string[]): Found[] {
  if (!sessions) return [];
  return working
    .filter((name) => !isFine(sessions.get(name)))
    .map((name) => {
      const status = sessions.get(name)?.status;
      const code = status ? "session_not_working" : "session_not_found";
      const message = messageOf(code, neutral(status ? `${name}: ${status}` : name));
      return { kind: "session", about: name, code, message };
    });
}

/** Why the database kept a pass from some of its work, if it did. */
export function troubleOfDatabase({ unavailable }: PassReport): UnavailableError | undefined {
  return unavailable.find(({ code }) => code.startsWith("database_"));
}

/** Where the pass could be recorded all the same: the user may write to some collections only, for example. */
function databaseAway(report: PassReport): Found[] {
  const reason = troubleOfDatabase(report);
  return reason ? [{ kind: "database", about: "", code: reason.code, message: reason.message }] : [];
}

function defect({ defective }: PassReport): Found[] {
  const code = "internal_error";
  return defective ? [{ kind: "defect", about: "", code, message: messageOf(code) }] : [];
}

/** Messages that WhatsApp refused after WAHA had accepted them. */
function refusedLate({ summary }: PassReport): Found[] {
  const code = "refused_after_accepting";
  const found = summary.errors.find((error) => error.code === code);
  if (!found) return [];
  const { count, message } = found;
  const counted = `${count} ${count === 1 ? "message was" : "messages were"} refused after WAHA accepted ${count === 1 ? "it" : "them"}`;
  return [{ kind: "refused", about: "", code, message: `${counted}. ${message}` }];
}

function suspended({ suspensions }: Situation): Found[] {
  return suspensions.map((suspension) => {
    const { code, session: about } = suspension;
    return { kind: "suspended", about, code, message: tellSuspension(suspension) };
  });
}

/** What a pass counts of messages that wait for a session that rests. */
const OF_SUSPENSIONS = new Set<ProblemCode>(SUSPENSION_CODES);

function silentSessions({ silence }: PassReport): Found[] {
  const code = "session_silent";
  if (!silence || silence === "off") return [];
  return silence.silent.map((name) => ({
    kind: "silent",
    about: name,
    code,
    message: messageOf(code, name),
  }));
}

/** Whether a pass has met what `recordPass` does not know of. */
export function hasFindings(report: PassReport): boolean {
  const { defective, summary, unavailable } = report;
  const isSuspending = summary.errors.some(({ code }) => OF_SUSPENSIONS.has(code));
  const others = [...refusedLate(report), ...silentSessions(report)];
  return defective || unavailable.length > 0 || isSuspending || others.length > 0;
}

/** Messages that this pass counted, and those of passes that died before they told. */
function unsent({ summary }: PassReport, unannounced: AlertsDocument["unannounced"]): Found[] {
  return UNSENT.flatMap((kind) => {
    // This pass's own are among the unannounced, unless another pass has announced them since.
    const count = Math.max(summary[kind], unannounced[kind] ?? 0);
    if (count === 0) return [];
    const reasons = summary[kind] > 0 ? summary.errors.filter(({ code }) => mayBecome(kind, code)) : [];
    const why = reasons
      .slice(0, NAMED_PROBLEMS)
      .map(({ code, message }) => `${code}: ${message}`)
      .join("; ");
    const [only, ...others] = reasons;
    // The pass has met each of these, and not each need have ended one.
    const because =
      others.length > 0 ? `${count === 1 ? "For" : "Each for"} one of these reasons: ${why}` : why;
    const message = `${count} ${count === 1 ? "message" : "messages"} ended as ${kind}. ${because || OF_ANOTHER_PASS}`;
    return [{ kind, about: "", code: only && others.length === 0 ? only.code : null, message }];
  });
}

/** For messages whose pass died before it told why. */
const OF_ANOTHER_PASS = "The status page says why";

/** Such a message is given back at first, and fails once its answer is known to be about it alone. */
const FAILS_LATER: ReadonlySet<ProblemCode> = new Set([
  "waha_bad_request",
  "whatsapp_refused",
  "number_not_found",
]);

/** Whether a message with this problem may have ended so. A summary counts problems and ends, but not together. */
function mayBecome(kind: Unsent, code: ProblemCode): boolean {
  const of = PROBLEMS[code].kind;
  if (kind === "failed") return of === "failed";
  if (kind === "unknown") return of === "unproven";
  return FAILS_LATER.has(code) || (of !== "failed" && of !== "notice" && of !== "unproven");
}
