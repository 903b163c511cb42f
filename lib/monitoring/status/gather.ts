import { withTimeout } from "../../async.ts";
import type { Config } from "../../config.ts";
import { type Database, openDatabase } from "../../mongo/client.ts";
import { asUnavailable, unlessSlow } from "../../mongo/errors.ts";
import { findSuspensions, type Suspension, tellSuspension } from "../../sessions/suspensions.ts";
import type { Alert } from "../alerts/alert.ts";
import { readAlerts } from "../alerts/store.ts";
import { type History, type PastProblem, readHistory } from "../history/read.ts";
import { type LastPass, readLastPass } from "../record.ts";
import { type Campaigns, findCampaigns } from "./campaigns.ts";
import { findUnseen, type Unseen } from "./documents.ts";
import { countLive, type Live } from "./live.ts";
import { type ResendHint, resendHint } from "./resend-hint.ts";
import { askSessions, type WahaStatus } from "./sessions.ts";
import { judgeStatus, type Verdict } from "./verdict.ts";

/** How many alerts are shown. */
const SHOWN_ALERTS = 20;

/** When the answer comes at the latest, also if the database hangs. */
const PATIENCE_MS = 12_000;

/** A search that takes longer is given up, and the page says that the database is slow. */
const SEARCH_LIMITS = { maxTimeMS: 5_000 } as const;

/** What is null where the database was too slow to be read in time. */
type IfRead<T> = { [Name in keyof T]: T[Name] | null };

/** Everything that a person on call wants to know. It holds no text, chat or secret. */
export interface Status extends IfRead<History> {
  /** Passes run, WAHA answers, and nothing needs a person. */
  ok: boolean;
  verdict: Verdict;
  /** The database's time. */
  at: Date;
  lastPass: Pick<LastPass, "passId" | "startedAt" | "endedAt" | "summary"> | null;
  now: Live;
  waha: WahaStatus;
  /** The sessions that rest, why, and until when; null where that is not known. */
  suspended: SuspendedSession[];
  campaigns: Campaigns | null;
  /** Counts stop at 1,000 a search. */
  documents: Unseen[] | null;
  problems: (PastProblem & { resend: ResendHint | null })[] | null;
  alerts: Pick<Alert, "kind" | "about" | "code" | "message" | "since">[];
}

/** A session that rests, in the words of passes. */
type SuspendedSession = Pick<Suspension, "session" | "code"> & { until: Date | null; message: string };

/**
 * Gathers the status, with a few indexed and bounded requests to the database and one to WAHA.
 *
 * @param isFirstPass whether the host's first pass is under way
 * @throws UnavailableError if the database is away. WAHA away is part of the status
 */
export async function gatherStatus(config: Config, isFirstPass: boolean): Promise<Status> {
  try {
    return await withTimeout(gather(config, isFirstPass), PATIENCE_MS, "database_unreachable");
  } catch (error) {
    throw asUnavailable(error);
  }
}

async function gather(config: Config, isFirstPass: boolean): Promise<Status> {
  const [{ resting, ...ofDatabase }, { restricted, waha }] = await Promise.all([
    askDatabase(openDatabase(config), config),
    askSessions(config),
  ]);
  const verdict = judgeStatus({ ...ofDatabase, waha, isFirstPass }, config);
  const suspended = [...resting, ...restricted].map((suspension) => {
    const { code, session, until = null } = suspension;
    return { session, code, until, message: tellSuspension(suspension) };
  });
  return { ok: verdict.level === "good", verdict, ...ofDatabase, waha, suspended };
}

type OfDatabase = Omit<Status, "ok" | "verdict" | "waha" | "suspended"> & { resting: Suspension[] };

async function askDatabase(db: Database, config: Config): Promise<OfDatabase> {
  await db.connect();
  const at = await db.readTime();
  const [lastPass, now, history, campaigns, documents, alerts, resting] = await Promise.all([
    readLastPass(db, SEARCH_LIMITS),
    countLive(db, config, at, SEARCH_LIMITS),
    unlessSlow(readHistory(db, at, SEARCH_LIMITS)),
    unlessSlow(findCampaigns(db, at, config.WAHA_WEBHOOK_KEY !== undefined, SEARCH_LIMITS)),
    unlessSlow(findUnseen(db, at, SEARCH_LIMITS)),
    readStandingAlerts(db),
    findSuspensions(db, at, SEARCH_LIMITS),
  ]);
  const { hour, day, minutes, problems } = history ?? NOT_READ;
  return {
    at,
    lastPass: lastPass && shownPass(lastPass),
    now,
    hour,
    day,
    minutes,
    problems: problems?.map((problem) => ({ ...problem, resend: resendHint(problem.code) })) ?? null,
    campaigns,
    documents,
    alerts,
    resting,
  };
}

const NOT_READ: IfRead<History> = { hour: null, day: null, minutes: null, problems: null };

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
