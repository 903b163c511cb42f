import type { Config } from "../../config.ts";
import { isProblemCode, PROBLEMS, type ProblemCode, withDetail } from "../../problems.ts";
import { isRecent, type LastPass } from "../record.ts";
import { capital, lasting, sentence } from "../words.ts";
import type { Unseen } from "./documents.ts";
import type { Live } from "./live.ts";
import { needsSomebody, type WahaStatus } from "./sessions.ts";

/** Messages that no pass sees until a person corrects their documents. */
const NEVER_SEEN: ReadonlySet<ProblemCode> = new Set(["flags_missing", "date_wrong"]);

/** The whole state in one sentence, and what to do about it in another. */
export interface Verdict {
  /** `bad`: nothing is sent. `warning`: passes run, and something needs a person. */
  level: "good" | "warning" | "bad";
  headline: string;
  detail: string;
}

/** What a verdict rests on. */
export interface Evidence {
  at: Date;
  lastPass: Pick<LastPass, "endedAt" | "summary"> | null;
  /** The first pass of the host that answers is under way; none before it need have ended recently. */
  isFirstPass: boolean;
  waha: WahaStatus;
  alerts: readonly { message: string }[];
  /** These three are null if the database was too slow. */
  documents: readonly Unseen[] | null;
  campaigns: object | null;
  minutes: object | null;
  now: Pick<Live, "due" | "oldestDue">;
}

/** Judges whether messages are sent. The worst thing comes first. */
export function judgeStatus(evidence: Evidence, config: Config): Verdict {
  const { at, documents, isFirstPass, lastPass, waha } = evidence;
  const areRunning = lastPass !== null && isRecent(lastPass, at, config);
  if (!lastPass && !isFirstPass)
    return {
      level: "bad",
      headline: "No pass has ended here yet",
      detail: "Wait a minute, or call /api/cron yourself; if the cron is on, the function's log says why.",
    };
  const ago = lastPass ? lasting(lastPass.endedAt, at) : "";
  if (!areRunning && !isFirstPass)
    return {
      level: "bad",
      headline: `No pass for ${ago}: nothing is sent`,
      detail: sentence(PROBLEMS.passes_stopped.remedy),
    };
  if (!waha.reachable) {
    const { happened, remedy } = PROBLEMS[waha.code];
    const detail = sentence(withDetail(remedy, waha.detail));
    return { level: "bad", headline: `${capital(happened)}: nothing is sent`, detail };
  }
  if (!areRunning)
    return {
      level: "warning",
      headline: "The first pass is under way",
      detail: `It ends within ${config.PASS_SECONDS} s, and what it did is told here then.`,
    };
  return (
    ofPass(lastPass.summary, ago) ??
    ofSessions(waha, ago) ??
    ofAlerts(evidence.alerts, ago) ??
    ofDocuments(documents ?? [], ago) ??
    ofSlowness(evidence, ago) ?? {
      level: "good",
      headline: `Running: last pass ${ago} ago`,
      detail: tellDue(evidence.now, at),
    }
  );
}

function ofPass({ ok, errors }: LastPass["summary"], ago: string): Verdict | undefined {
  if (ok) return undefined;
  const elsewhere = errors.find(({ code }) => code === "documents_not_found");
  if (elsewhere)
    return {
      level: "bad",
      headline: "Messages outside DOCUMENTS are not sent",
      detail: sentence(elsewhere.message),
    };
  const [worst] = errors.filter(({ code }) => !isNotice(code));
  return {
    level: "warning",
    headline: `Running, but not everything went out: last pass ${ago} ago`,
    detail: worst
      ? `${worst.code} (${worst.count}): ${worst.message}`
      : "Look at the messages that failed, were missed or are unknown.",
  };
}

/** A pass of another version may have recorded codes that this one does not know. */
function isNotice(code: string): boolean {
  return isProblemCode(code) && PROBLEMS[code].kind === "notice";
}

function ofSessions(waha: WahaStatus & { reachable: true }, ago: string): Verdict | undefined {
  const down = waha.needingSomebody;
  const first = waha.sessions.find(needsSomebody);
  if (!first) return undefined;
  const { name, status } = first;
  const which =
    down === 1 ? `"${name}" is ${status}` : `"${name}" is ${status}, and ${down - 1} more are down`;
  return {
    level: "warning",
    headline: `Running: last pass ${ago} ago; ${down} of ${waha.total} sessions can't send`,
    detail: `${which}. Open WAHA's dashboard: start them, or scan the QR code.`,
  };
}

function ofAlerts([first]: Evidence["alerts"], ago: string): Verdict | undefined {
  if (!first) return undefined;
  return {
    level: "warning",
    headline: `Running: last pass ${ago} ago; an alert stands`,
    detail: sentence(first.message),
  };
}

function ofDocuments(documents: readonly Unseen[], ago: string): Verdict | undefined {
  const found = documents.find(({ code }) => NEVER_SEEN.has(code));
  if (!found) return undefined;
  return {
    level: "warning",
    headline: `Running: last pass ${ago} ago; some messages are never seen`,
    detail: `${found.code} (${found.count}${found.more ? "+" : ""}): ${sentence(found.message)}`,
  };
}

function ofSlowness({ campaigns, documents, minutes }: Evidence, ago: string): Verdict | undefined {
  if (campaigns && documents && minutes) return undefined;
  return {
    level: "warning",
    headline: `Running: last pass ${ago} ago; the database is too slow for this page`,
    detail: sentence(PROBLEMS.database_slow.remedy),
  };
}

function tellDue({ due, oldestDue }: Evidence["now"], at: Date): string {
  if (due.count === 0 || !oldestDue) return "Everything that was due went out.";
  const count = `${due.more ? "more than " : ""}${due.count}`;
  return `${count} due now, the oldest for ${lasting(oldestDue, at)}: the next pass takes them up.`;
}
