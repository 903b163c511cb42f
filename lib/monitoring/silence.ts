import { addSeconds } from "../clock.ts";
import { LATEST_MESSAGES, type SessionReceipts, surveyReceipts, wasHeardBy } from "../messages/receipts.ts";
import type { Database } from "../mongo/client.ts";

/** A receipt comes within seconds, as a rule. */
const PATIENCE_SECONDS = 600;

/** What was sent longer ago says nothing about today. */
const RECENT_SECONDS = 24 * 3600;

/** Names of sessions; one may be neither, if it sent too little. */
export interface Silence {
  /** Of whose last messages WhatsApp has reported nothing. */
  silent: string[];
  /** Of one of whose last messages a receipt came. */
  heard: string[];
}

/**
 * Finds the sessions of whose last messages WhatsApp has reported nothing, although receipts had come before these
 * messages: the session's own; or any, and those of other sessions still come. WAHA may call such a session WORKING, and
 * nothing arrives. Where no
 * webhook ever came none is found, as they are not set up then.
 *
 * @param sessions the names of those that work
 */
export async function findSilence(
  db: Database,
  sessions: string[],
  now: Date,
  limits: { maxTimeMS: number },
): Promise<Silence> {
  const surveyed = await surveyReceipts(db, sessions, addSeconds(now, -PATIENCE_SECONDS), limits);
  const silent: string[] = [];
  // The last to begin first: where no webhook had come by then, none had come by the others' beginning.
  const unheard = surveyed.flatMap((one) => asUnheard(one, now)).sort((a, b) => +b.since - +a.since);
  for (const [place, { session, since }] of unheard.entries()) {
    const isSetUp = await wasHeardBy(db, since, undefined, limits);
    if (!isSetUp && place === 0) break;
    const othersAreHeard = surveyed.some((other) => other.session !== session && isHeardSince(other, since));
    if ((isSetUp && othersAreHeard) || (await wasHeardBy(db, since, session, limits))) silent.push(session);
  }
  return { silent, heard: surveyed.filter((one) => isHeardSince(one)).map(({ session }) => session) };
}

/** Whether a receipt of one of a session's last messages came, at that moment or later. */
export function isHeardSince({ latest }: SessionReceipts, since = new Date(0)): boolean {
  return latest.some(({ heardAt }) => heardAt !== null && heardAt >= since);
}

/** A session none of whose last messages has a receipt, and when the first of these was sent. */
function asUnheard(one: SessionReceipts, now: Date): { session: string; since: Date }[] {
  const { latest, session } = one;
  const [newest, since] = [latest[0]?.at, latest.at(-1)?.at];
  if (latest.length < LATEST_MESSAGES || !newest || !since || isHeardSince(one)) return [];
  return newest < addSeconds(now, -RECENT_SECONDS) ? [] : [{ session, since }];
}
