import { neutral } from "../../neutral.ts";
import { errorUrl, isProblemCode, PROBLEMS } from "../../problems.ts";
import { lasting } from "../words.ts";
import { type Alert, type AlertKind, type AlertState, UNSENT } from "./alert.ts";

/** What is posted: `text` is for Slack, `content` for Discord, and the rest for programs. */
export interface Notification {
  text: string;
  content: string;
  /** For Discord: a session's name may look like a mention, and must not call people. */
  allowed_mentions: { parse: [] };
  kind: AlertKind;
  state: AlertState;
  at: string;
  /** `help` is the page that explains the code. */
  alerts: { about: string; code: string | null; message: string; since: string; help: string | null }[];
}

/** Discord takes 2,000 characters. */
const MAX_TEXT = 1900;

/** Many sessions may go down together; more lines than this are not read. */
const MAX_LINES = 10;

/** Composes what is posted about alerts of one kind. Alerts hold no text, chat or secret, so it holds none. */
export function notificationOf(kind: AlertKind, state: AlertState, alerts: Alert[], at: Date): Notification {
  const lines = alerts.slice(0, MAX_LINES).map((alert) => lineOf(alert, state, at));
  if (alerts.length > MAX_LINES) lines.push(`… and ${alerts.length - MAX_LINES} more`);
  const text = lines.join("\n").slice(0, MAX_TEXT);
  return {
    text,
    content: text,
    allowed_mentions: { parse: [] },
    kind,
    state,
    at: at.toISOString(),
    alerts: alerts.map(({ about, code, message, since }) => ({
      about,
      code,
      message,
      since: since.toISOString(),
      help: isProblemCode(code) ? errorUrl(code) : null,
    })),
  };
}

function lineOf(alert: Alert, state: AlertState, at: Date): string {
  const { about, code, kind, message, since } = alert;
  if (state === "standing") return `🔴 waha-scheduler: ${code ? `${message} [${code}]` : message}`;
  const whose = about ? `"${neutral(about)}": ` : "";
  const after = lasting(since, at);
  const back = BACK[kind];
  if (back) return `🟢 waha-scheduler: ${whose}${back} after ${after}`;
  return `🟢 waha-scheduler: no more, after ${after}: ${whose}${happenedOf(alert)}`;
}

/** What is so again once an alert is over. */
const BACK: Partial<Record<AlertKind, string>> = {
  waha: "WAHA is back",
  database: "the database is back",
  session: "the session works again",
  passes: "passes run again",
};

/** What was wrong, without what to do about it. */
function happenedOf({ kind, code, message }: Alert): string {
  const isOfMessages = UNSENT.some((unsent) => unsent === kind);
  if (!isOfMessages && isProblemCode(code)) return PROBLEMS[code].happened;
  // How many messages, before the reasons.
  return message.split(". ", 1)[0] ?? message;
}
