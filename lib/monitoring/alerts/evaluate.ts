import { isDeepStrictEqual } from "node:util";
import { addSeconds, FORESEEN_SECONDS } from "../../clock.ts";
import { messageOf } from "../../problems.ts";
import type { LastPass } from "../record.ts";
import type { PassReport } from "../report.ts";
import { compareNames } from "../words.ts";
import { type Alert, type AlertState, type AlertsDocument, alertKey, byKey, type Entry } from "./alert.ts";
import { detectAlerts, isFine, namesWhere, type Situation } from "./detect.ts";

/** What a pass came to, and what else counts when the alerts are evaluated. */
export interface Findings extends Situation {
  /** The last time that passes stayed away. */
  gap: LastPass["gap"] | undefined;
  /** This instance has told that the database is away, so the document does not remember it, too. */
  isDatabaseTold: boolean;
}

/** Messages that fail, are missed or unknown, and defects, are over once no pass met any for ten minutes. */
const QUIET_SECONDS = 600;

/** A session that has been stopped or unknown to WAHA for a day is so on purpose. */
const GONE_SECONDS = 24 * 3600;

/** A post takes five seconds at most. A pass that has not told by then has died, and another one tells. */
const CLAIM_SECONDS = 30;

/**
 * Says what a pass means for the alerts.
 *
 * @param now the end of the pass
 * @returns what is to be remembered, whether a time in it was impossible, and the entries whose notification is this pass's to post once that is written
 */
export function evaluate(
  remembered: AlertsDocument,
  report: Findings,
  now: Date,
): { document: AlertsDocument; toTell: Entry[]; wasImpossible: boolean } {
  const before = withoutFuture(remembered, now);
  // Passes overlap: one that looked at WAHA earlier may end later, and must not undo what a later look showed.
  const isOutdated = before.seenAt !== null && report.seenAt < before.seenAt;
  const sessions = isOutdated ? undefined : report.sessions;
  const met = detectAlerts(before, report, isOutdated, now);
  const standing = byKey(before.entries);
  const known = new Set(met.map(alertKey).filter((key) => standing.has(key)));
  const noted = byKey(met.filter(({ kind }) => kind !== "database" || !report.isDatabaseTold));
  const gap = unknownGap(before, report.gap);
  const current = [
    ...before.entries.flatMap((entry): Entry[] => {
      const again = noted.get(alertKey(entry));
      if (again) return [standsAgain(entry, again)];
      if (entry.state === "over" || known.has(alertKey(entry))) return [entry];
      if (isDropped(entry, sessions, now)) return [];
      return [isOver(entry, sessions, report.silence, now) ? { ...entry, state: "over" } : entry];
    }),
    ...[...noted].filter(([key]) => !known.has(key)).map(([, alert]) => begin(alert, "standing")),
    ...(gap ? [begin(gap, "over")] : []),
  ];
  const claimedUntil = addSeconds(now, CLAIM_SECONDS);
  const entries = current.map((entry) => claimNotification(entry, now, claimedUntil));
  return {
    document: {
      rev: before.rev,
      entries,
      working: sessions ? stillWorking(before.working, sessions) : before.working,
      seenAt: isOutdated ? before.seenAt : report.seenAt,
      unannounced: {},
      gapsUntil: gap?.lastAt ?? before.gapsUntil,
    },
    wasImpossible: !isDeepStrictEqual(before, remembered),
    toTell: entries
      .filter((entry) => entry.claimedUntil === claimedUntil)
      .sort((one, other) => compareNames(one.about, other.about)),
  };
}

/**
 * Says what is to be remembered after a post. If it was taken, people know the state, and what they know to be over
 * is forgotten. If not, the claims end, so that the next pass posts again.
 *
 * @param posted the entries as they were claimed. One whose claim ran out may be another pass's by now, and stays
 */
export function afterPost(before: AlertsDocument, posted: Entry[], isTaken: boolean): AlertsDocument {
  const claims = byKey(posted);
  const entries = before.entries.flatMap((entry) => {
    const claimed = claims.get(alertKey(entry));
    if (!claimed || !isSameTime(claimed.claimedUntil, entry.claimedUntil)) return [entry];
    if (!isTaken) return [{ ...entry, claimedUntil: null }];
    if (claimed.state === "over" && entry.state === "over") return [];
    return [{ ...entry, told: claimed.state, claimedUntil: null }];
  });
  return { ...before, entries };
}

/** What is remembered, without times that lie ahead: for as long as they do, people would not be told. */
function withoutFuture(before: AlertsDocument, now: Date): AlertsDocument {
  const foreseen = addSeconds(now, FORESEEN_SECONDS);
  const believed = (at: Date | null) => (at !== null && at > foreseen ? null : at);
  return {
    ...before,
    seenAt: believed(before.seenAt),
    gapsUntil: believed(before.gapsUntil),
    entries: before.entries.map((entry) => ({
      ...entry,
      since: believed(entry.since) ?? now,
      lastAt: believed(entry.lastAt) ?? now,
      claimedUntil: believed(entry.claimedUntil),
    })),
  };
}

type Sessions = PassReport["sessions"];

/** Claims the notification of an entry, if people are still to be told and no other pass has claimed it. */
function claimNotification(entry: Entry, now: Date, claimedUntil: Date): Entry {
  const isClaimed = entry.claimedUntil !== null && entry.claimedUntil >= now;
  return entry.told === entry.state || isClaimed ? entry : { ...entry, claimedUntil };
}

function begin(alert: Alert, state: AlertState): Entry {
  return { ...alert, state, told: null, claimedUntil: null };
}

function standsAgain(entry: Entry, { code, message, lastAt: metAt }: Alert): Entry {
  const lastAt = metAt > entry.lastAt ? metAt : entry.lastAt;
  return { ...entry, state: "standing", code, message, lastAt };
}

function isOver(
  { kind, about, lastAt }: Entry,
  sessions: Sessions,
  silence: PassReport["silence"],
  now: Date,
): boolean {
  if (kind === "waha") return sessions !== undefined;
  if (kind === "session") return sessions?.get(about)?.status === "WORKING";
  // All that rest are known, and met again by each pass as long as they do.
  if (kind === "suspended") return true;
  // Where nothing was sent, or the session rests, nothing tells.
  if (kind === "silent")
    return silence === "off" || silence?.heard.includes(about) || sessions?.has(about) === false;
  // The database has kept this pass from nothing.
  if (kind === "database") return true;
  return lastAt < addSeconds(now, -QUIET_SECONDS);
}

/** Whether it is removed without a notification: a session that does not come back. */
function isDropped({ kind, about, lastAt }: Entry, sessions: Sessions, now: Date): boolean {
  if (kind !== "session" || !sessions) return false;
  const status = sessions.get(about)?.status;
  return (status === undefined || status === "STOPPED") && lastAt < addSeconds(now, -GONE_SECONDS);
}

/** A session that is being started keeps its place: WAHA restarts it, and it is missed if it does not come back. */
function stillWorking(before: string[], sessions: NonNullable<Sessions>): string[] {
  const known = new Set(before);
  return namesWhere(
    sessions,
    (session) => isFine(session) && (session.status === "WORKING" || known.has(session.name)),
  );
}

/**
 * The last gap between passes, if it is not remembered yet: the pass that found it may have died. One gap at a time
 * is told of; a second one waits until people know the first.
 */
function unknownGap({ entries, gapsUntil }: AlertsDocument, gap: LastPass["gap"]): Alert | undefined {
  if (!gap || (gapsUntil && gap.to <= gapsUntil)) return undefined;
  const code = "passes_stopped";
  const { from: since, to: lastAt } = gap;
  const alert: Alert = { kind: "passes", about: "", code, message: messageOf(code), since, lastAt };
  return byKey(entries).has(alertKey(alert)) ? undefined : alert;
}

function isSameTime(one: Date | null, other: Date | null): boolean {
  return one?.getTime() === other?.getTime();
}
