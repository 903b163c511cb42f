import { addSeconds } from "../../clock.ts";
import type { UnavailableError } from "../../errors.ts";
import { messageOf } from "../../problems.ts";
import type { WahaSession } from "../../waha/responses.ts";
import type { PassReport } from "../report.ts";
import { type Alert, type AlertsDocument, begun, isSame, isSeen } from "./state.ts";
import { unsent } from "./unsent.ts";

/**
 * Messages that fail, are missed or unknown, and defects, are over once there were none for so long, or it would be an
 * alert a pass.
 */
const QUIET_SECONDS = 600;

/** A session that was stopped or that WAHA no longer knows is so on purpose, if nobody brings it back for so long. */
const GONE_SECONDS = 24 * 3600;

/** What a pass means for the alerts. */
export interface Judgement {
  /** What this pass met, whether it stands already or not. */
  met: Alert[];
  /** What stood and is over. */
  over: Alert[];
  /** What stood and is meant to be so: nobody is told that it is over. */
  meant: Alert[];
  /** The sessions that work, to be remembered. */
  working: string[];
}

/** Judges what a pass saw against what is remembered. */
export function judge(document: AlertsDocument, result: PassReport, now: Date): Judgement {
  const { entries, seenAt, untold, working } = document;
  // Passes overlap: one that looked around WAHA earlier may end later, and knows less.
  const isOutdated = seenAt !== undefined && result.seenAt < seenAt;
  const sessions = isOutdated ? undefined : result.sessions;
  const met = [
    ...(isOutdated ? [] : wahaAway(result, now)),
    ...sessionsDown(working, sessions, now),
    ...databaseAway(result, now),
    ...defect(result, now),
    ...unsent(result, untold ?? {}, now),
  ].map((alert) => ({ ...alert, since: entries.find((entry) => isSame(entry, alert))?.since ?? now }));
  const standing = entries.filter(
    (entry) => entry.state === "standing" && !met.some((alert) => isSame(entry, alert)),
  );
  return {
    met,
    over: standing.filter((entry) => !(isOutdated && isSeen(entry.kind)) && isOver(entry, sessions, now)),
    meant: standing.filter((entry) => isMeant(entry, sessions, now)),
    working: sessions ? stillWorking(working, sessions) : working,
  };
}

type Sessions = PassReport["sessions"];

/** Not at work for a moment, as WAHA restarts it: that is no news, unless it lasts under another name. */
const isFine = (session: WahaSession | undefined) =>
  session?.status === "WORKING" || session?.status === "STARTING";

/** The sessions that work, by name, sorted. */
export function namesOfWorking(sessions: Map<string, WahaSession>): string[] {
  return namesWhere(sessions, ({ status }) => status === "WORKING");
}

function stillWorking(before: string[], sessions: Map<string, WahaSession>): string[] {
  const known = new Set(before);
  return namesWhere(
    sessions,
    ({ name, status }) => status === "WORKING" || (status === "STARTING" && known.has(name)),
  );
}

function namesWhere(sessions: Map<string, WahaSession>, is: (session: WahaSession) => boolean): string[] {
  return [...sessions.values()]
    .filter(is)
    .map(({ name }) => name)
    .sort();
}

function wahaAway({ sessions, unavailable }: PassReport, now: Date): Alert[] {
  // A pass that stays may have found it away at first, and back when it looked last.
  if (sessions) return [];
  const reason = unavailable.find(({ code }) => code.startsWith("waha_"));
  return reason ? [begun({ kind: "waha", code: reason.code, message: reason.message }, now)] : [];
}

/** Why the database kept a pass from some of its work, if it did. */
export function troubleOfDatabase({ unavailable }: PassReport): UnavailableError | undefined {
  return unavailable.find(({ code }) => code.startsWith("database_"));
}

/** Of a pass that could be recorded all the same: its user may write some collections and not others, say. */
function databaseAway(result: PassReport, now: Date): Alert[] {
  const reason = troubleOfDatabase(result);
  return reason ? [begun({ kind: "database", code: reason.code, message: reason.message }, now)] : [];
}

function defect({ defective }: PassReport, now: Date): Alert[] {
  const code = "internal_error";
  return defective ? [begun({ kind: "defect", code, message: messageOf(code) }, now)] : [];
}

function sessionsDown(working: string[], sessions: Sessions, now: Date): Alert[] {
  if (!sessions) return [];
  return working
    .filter((name) => !isFine(sessions.get(name)))
    .map((name) => {
      const status = sessions.get(name)?.status;
      const code = status ? "session_not_working" : "session_not_found";
      const message = messageOf(code, status ? `${name}: ${status}` : name);
      return begun({ kind: "session", about: name, code, message }, now);
    });
}

function isOver({ kind, about, lastAt }: Alert, sessions: Sessions, now: Date): boolean {
  if (kind === "waha") return sessions !== undefined;
  if (kind === "session") return sessions?.get(about)?.status === "WORKING";
  // A pass that the database kept from its work has met it.
  if (kind === "database") return true;
  return lastAt < addSeconds(now, -QUIET_SECONDS);
}

/** Whether it is a session that nobody brings back. */
function isMeant({ kind, about, lastAt }: Alert, sessions: Sessions, now: Date): boolean {
  if (kind !== "session" || !sessions) return false;
  const session = sessions.get(about);
  return (!session || session.status === "STOPPED") && lastAt < addSeconds(now, -GONE_SECONDS);
}
