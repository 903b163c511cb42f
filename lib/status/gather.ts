import { type Alert, readAlerts } from "../alerts/state.ts";
import { addSeconds } from "../clock.ts";
import { type Config, SWEPT_SECONDS } from "../config.ts";
import { asUnavailable, type Database, openDatabase } from "../db.ts";
import { type History, type PastProblem, readHistory } from "../history/read.ts";
import { inTime } from "../in-time.ts";
import { auditMessages } from "../messages/audit.ts";
import { type LastPass, readLastPass } from "../pass/last-pass.ts";
import { PROBLEMS, type ProblemCode } from "../problems.ts";
import { SEARCH_LIMITS } from "./bounds.ts";
import { type CampaignsInProgress, findCampaignsInProgress } from "./campaigns.ts";
import { countLive, type Live } from "./live.ts";
import { type ResendHint, resendHint } from "./resend-hint.ts";
import { askSessions, type WahaStatus } from "./sessions.ts";
import { judgeStatus, type Verdict } from "./verdict.ts";

/** How many alerts are shown. */
const SHOWN_ALERTS = 20;

/** Whoever looks gets an answer by then, also where the database hangs. In milliseconds. */
const PATIENCE_MS = 12_000;

/** Everything that somebody on call wants to know; it holds no text, chat or secret. */
export interface Status extends History {
  /** Passes run, WAHA answers, and nothing needs a person. */
  ok: boolean;
  verdict: Verdict;
  /** The database's time. */
  at: Date;
  lastPass: Pick<LastPass, "passId" | "startedAt" | "endedAt" | "summary"> | null;
  now: Live;
  waha: WahaStatus;
  campaigns: CampaignsInProgress;
  /** Messages that no pass sees or touches; counts stop at 1,000 a search. */
  documents: { code: ProblemCode; message: string; count: number }[];
  problems: (PastProblem & { resend: ResendHint | null })[];
  alerts: Pick<Alert, "kind" | "about" | "code" | "message" | "since">[];
}

/**
 * Gathers the status, with a few indexed and bounded requests to the database and one to WAHA.
 *
 * @throws UnavailableError if the database is away. WAHA away is part of the status
 */
export async function gatherStatus(config: Config): Promise<Status> {
  try {
    return await inTime(gather(config), PATIENCE_MS, "database_unreachable");
  } catch (error) {
    throw asUnavailable(error);
  }
}

async function gather(config: Config): Promise<Status> {
  const [ofDatabase, waha] = await Promise.all([
    askDatabase(openDatabase(config), config),
    askSessions(config),
  ]);
  const verdict = judgeStatus({ ...ofDatabase, waha, staySeconds: config.STAY_SECONDS });
  return { ok: verdict.level === "good", verdict, ...ofDatabase, waha };
}

async function askDatabase(db: Database, config: Config): Promise<Omit<Status, "ok" | "verdict" | "waha">> {
  await db.connect();
  const at = await db.readTime();
  const [lastPass, now, history, campaigns, documents, alerts] = await Promise.all([
    readLastPass(db, SEARCH_LIMITS),
    countLive(db, config, at),
    readHistory(db, at, SEARCH_LIMITS),
    findCampaignsInProgress(db),
    auditMessages(db, addSeconds(at, -SWEPT_SECONDS), SEARCH_LIMITS),
    readStandingAlerts(db),
  ]);
  return {
    at,
    lastPass: lastPass && shownPass(lastPass),
    now,
    ...history,
    problems: history.problems.map((problem) => ({ ...problem, resend: resendHint(problem.code) })),
    campaigns,
    documents: [...documents].map(([code, count]) => ({ code, message: PROBLEMS[code], count })),
    alerts,
  };
}

function shownPass({ passId, startedAt, endedAt, summary }: LastPass): Status["lastPass"] {
  return { passId, startedAt, endedAt, summary };
}

async function readStandingAlerts(db: Database): Promise<Status["alerts"]> {
  const { entries } = await readAlerts(db, SEARCH_LIMITS);
  return entries
    .filter(({ state }) => state === "standing")
    .slice(0, SHOWN_ALERTS)
    .map(({ kind, about, code, message, since }) => ({ kind, about, code, message, since }));
}
