import { addSeconds } from "../clock.ts";
import { type SessionReceipts, surveyReceipts } from "../messages/receipts.ts";
import type { Database } from "../mongo/client.ts";

/** So many messages in a row without a receipt are no coincidence; phones that are off are among the latest few. */
const MESSAGES = 20;

/** A receipt comes within seconds, as a rule. */
const PATIENCE_SECONDS = 600;

/** What was sent longer ago says nothing about today. */
const RECENT_SECONDS = 24 * 3600;

/**
 * Finds the sessions of whose last messages WhatsApp has reported nothing, though webhooks come: those of other
 * sessions, or its own before. WAHA may call such a session WORKING, and nothing arrives. Where no webhook ever came none
 * is found, as they are not set up then.
 */
export async function findSilentSessions(
  db: Database,
  now: Date,
  limits: { maxTimeMS: number },
): Promise<string[]> {
  const surveyed = await surveyReceipts(db, addSeconds(now, -PATIENCE_SECONDS), MESSAGES, limits);
  return surveyed.filter((one) => isSilent(one, surveyed, now)).map(({ session }) => session);
}

function isSilent({ heardAt, latest, session }: SessionReceipts, all: SessionReceipts[], now: Date): boolean {
  const [newest, oldest] = [latest[0]?.at, latest.at(-1)?.at];
  if (typeof session !== "string" || latest.length < MESSAGES || !newest || !oldest) return false;
  if (newest < addSeconds(now, -RECENT_SECONDS) || latest.some((message) => message.heardAt)) return false;
  const othersAreHeard = all.some(
    (other) => other.session !== session && other.heardAt !== null && other.heardAt >= oldest,
  );
  return heardAt !== null || othersAreHeard;
}
