import { errorUrl, isProblemCode, PROBLEMS } from "../../problems.ts";
import { type Alert, type AlertKind, UNSENT } from "./state.ts";

/** Whether something stands, or is over. */
export type AlertState = "standing" | "over";

/** What is posted: `text` is Slack's, `content` Discord's, and the rest is for programs. */
export interface Notification {
  text: string;
  content: string;
  /** Discord: a name may look like a mention, and must call nobody. */
  allowed_mentions: { parse: [] };
  kind: AlertKind;
  state: AlertState;
  at: string;
  /** `help` is the page that explains the code. */
  alerts: { about: string; code: string | null; message: string; since: string; help: string | null }[];
}

/** Discord takes 2,000 characters. */
const MAX_TEXT = 1900;
/** Sessions may go down together, and nobody reads more lines. */
const MAX_LINES = 10;

/** Composes what is posted about alerts of one kind. They hold no text, chat or secret, so neither does this. */
export function notificationOf(kind: AlertKind, state: AlertState, alerts: Alert[], at: Date): Notification {
  const lines = alerts.slice(0, MAX_LINES).map((alert) => lineOf(alert, state, at));
  if (alerts.length > MAX_LINES) lines.push(`… and ${alerts.length - MAX_LINES} more`);
  const text = harmless(lines.join("\n")).slice(0, MAX_TEXT);
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
  const { about, code, message, since } = alert;
  if (state === "standing") return `🔴 waha-scheduler: ${code ? `${message} [${code}]` : message}`;
  const whose = about ? `"${about}": ` : "";
  return `🟢 waha-scheduler: over after ${lasting(since, at)}: ${whose}${happenedOf(alert)}`;
}

/** What was wrong, without what to do about it. */
function happenedOf({ kind, code, message }: Alert): string {
  const isOfMessages = UNSENT.some((unsent) => unsent === kind);
  if (!isOfMessages && isProblemCode(code)) return PROBLEMS[code].happened;
  // How many messages, before the reasons.
  return message.split(". ", 1)[0] ?? message;
}

/** How long something lasted, in words. */
export function lasting(from: Date, to: Date): string {
  const seconds = Math.max(0, Math.round((to.getTime() - from.getTime()) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** Without what Slack would take for its own markup, such as a call to everybody. */
function harmless(text: string): string {
  return text.replaceAll("<", "‹").replaceAll(">", "›");
}
