import { addSeconds } from "../clock.ts";
import { OUTCOMES } from "../history/minutes.ts";
import type { PassResult } from "../pass/run.ts";
import { NOTICES, PROBLEMS } from "../problems.ts";
import type { WahaSession } from "../waha/answers.ts";
import { type Alert, type AlertsDocument, isSame } from "./state.ts";

/** Messages that fail, are missed or unknown are over once there were none for so long, or it would be an alert a pass. */
const QUIET_SECONDS = 600;

/** A session that was stopped or that WAHA no longer knows is so on purpose, if nobody brings it back for so long. */
const GONE_SECONDS = 24 * 3600;

/** How many kinds of problems the words on messages name. */
const NAMED_PROBLEMS = 3;

/** What a pass means for the alerts. */
export interface Judgement {
  /** What this pass met, whether it stands already or not. */
  met: Alert[];
  /** What stood and is over. */
  over: Alert[];
  /** The sessions that work, to be remembered. */
  working: string[];
}

/** Judges what a pass saw against what is remembered. */
export function judge({ entries, working }: AlertsDocument, result: PassResult, now: Date): Judgement {
  const { sessions } = result;
  const met = [...wahaAway(result, now), ...sessionsDown(working, sessions, now), ...unsent(result, now)].map(
    (alert) => ({ ...alert, since: entries.find((entry) => isSame(entry, alert))?.since ?? now }),
  );
  const others = entries.filter((entry) => !met.some((alert) => isSame(entry, alert)));
  return {
    met,
    over: others.filter((entry) => entry.state === "standing" && isOver(entry, sessions, now)),
    working: sessions ? stillWorking(working, sessions) : working,
  };
}

type Sessions = PassResult["sessions"];

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

function wahaAway({ unavailable }: PassResult, now: Date): Alert[] {
  if (!unavailable?.code.startsWith("waha_")) return [];
  return [standing({ kind: "waha", code: unavailable.code, message: unavailable.message }, now)];
}

function sessionsDown(working: string[], sessions: Sessions, now: Date): Alert[] {
  if (!sessions) return [];
  return working
    .filter((name) => !isFine(sessions.get(name)))
    .map((name) => {
      const status = sessions.get(name)?.status;
      const code = status ? "session_not_working" : "session_not_found";
      const message = `${PROBLEMS[code]} (${status ? `${name}: ${status}` : name})`;
      return standing({ kind: "session", about: name, code, message }, now);
    });
}

/** Of what went wrong with messages the pass's own problems say why. */
function unsent({ summary }: PassResult, now: Date): Alert[] {
  const reasons = summary.errors.filter(({ code }) => !NOTICES.has(code));
  const why = reasons
    .slice(0, NAMED_PROBLEMS)
    .map(({ code, message }) => `${code}: ${message}`)
    .join("; ");
  const [first] = reasons;
  return OUTCOMES.flatMap((kind) => {
    if (kind === "sent" || summary[kind] === 0) return [];
    const counted = `${summary[kind]} ${summary[kind] === 1 ? "message is" : "messages are"} ${kind}`;
    const message = why ? `${counted}. ${why}` : counted;
    return [standing({ kind, code: first?.code ?? null, message }, now)];
  });
}

function isOver({ kind, about, lastAt }: Alert, sessions: Sessions, now: Date): boolean {
  if (kind === "waha") return sessions !== undefined;
  if (kind !== "session") return lastAt < addSeconds(now, -QUIET_SECONDS);
  if (!sessions) return false;
  const session = sessions.get(about);
  if (session && session.status !== "STOPPED") return session.status === "WORKING";
  return lastAt < addSeconds(now, -GONE_SECONDS);
}

function standing(
  { about = "", ...alert }: Pick<Alert, "kind" | "code" | "message"> & { about?: string },
  now: Date,
): Alert {
  return { ...alert, about, since: now, lastAt: now };
}
