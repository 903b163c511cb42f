import { forgetReceipts } from "../messages/receipts.ts";
import { unlessSlow } from "../mongo/errors.ts";
import { namesOfWorking } from "../monitoring/alerts/detect.ts";
import { findSilence, type Silence } from "../monitoring/silence.ts";
import type { WahaSnapshot } from "../waha/snapshot.ts";
import { noteTurnedAway } from "./housekeeping.ts";
import type { Pass } from "./pass.ts";

/** How many messages a pass takes out of those whose receipts are awaited: more than it can send in a minute. */
const FORGOTTEN_A_PASS = 50_000;

/** Ends the waiting for receipts of a week ago, so that their indexes stay small. */
export async function endReceipts(pass: Pass): Promise<void> {
  const { rejected } = await forgetReceipts(pass.db, pass.clock.now(), FORGOTTEN_A_PASS);
  noteTurnedAway(pass, rejected, "messages");
}

/** How long the search may take, in milliseconds; nothing is sent by it. */
const SEARCH_MS = 5_000;

/**
 * Looks for sessions that work, as WAHA says, and of whose messages WhatsApp reports nothing.
 *
 * @returns undefined where they could not be looked for
 */
export async function lookForSilence(
  { clock, db, log, stats }: Pass,
  snapshot: WahaSnapshot | undefined,
): Promise<Silence | undefined> {
  if (!snapshot) return undefined;
  const working = namesOfWorking(snapshot.sessions);
  const silence = await unlessSlow(findSilence(db, working, clock.now(), { maxTimeMS: SEARCH_MS }));
  if (!silence) log.warn({}, "sessions without receipts were not looked for: it took too long");
  for (const name of silence?.silent ?? []) stats.problem("session_silent", 1, name);
  return silence ?? undefined;
}
