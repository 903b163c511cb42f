import { UnavailableError } from "../errors.ts";
import { describeError } from "../log.ts";
import { findMisplaced, type Limits, type Unmapped } from "../messages/unmapped.ts";
import { asUnavailable } from "../mongo/errors.ts";
import type { Pass } from "./pass.ts";

/** How often an instance looks for messages outside the mapping, in milliseconds. */
const LOOK_MS = 600_000;

/** How long one request of a look may take, in milliseconds. */
const REQUEST_MS = 1_000;

/** A look waits for the database four times, and is to leave the pass some time. */
const SHARE_OF_TIME = 1 / 5;

/** How much of a collection's name is told. */
const MAX_NAME = 60;

/** What an instance knows of the messages of one app. */
interface Known {
  /** When the next look is due, by the monotonic clock. */
  nextAt: number;
  /** The last look's finding: messages outside the mapping that are not sent. */
  misplaced: Unmapped[];
}

/** By the namespace of the messages. */
const knownOf = new Map<string, Known>();

/**
 * Looks now and then for messages outside the mapping that are not sent, and tells of them in each pass. One that met
 * messages where the mapping says need not look soon. It fails no pass.
 */
export async function lookForDocuments(pass: Pass): Promise<void> {
  const { began, db, log, stats } = pass;
  const key = db.messages.namespace;
  const known = knownOf.get(key) ?? { nextAt: Number.NEGATIVE_INFINITY, misplaced: [] };
  knownOf.set(key, known);
  if (stats.hasSeenMessages) Object.assign(known, { nextAt: began + LOOK_MS, misplaced: [] });
  if (began >= known.nextAt) await look(pass, known);
  for (const unmapped of known.misplaced) {
    const detail = tellMisplaced(unmapped);
    stats.problem("documents_not_found", 1, detail);
    log.warn({ code: "documents_not_found", detail }, "messages that DOCUMENTS does not name are not sent");
  }
}

async function look({ began, clock, config, db, log, stepsUntil }: Pass, known: Known): Promise<void> {
  const maxTimeMS = Math.min(REQUEST_MS, Math.floor(clock.until(stepsUntil) * SHARE_OF_TIME));
  if (maxTimeMS <= 0) return;
  const limits: Limits = { maxTimeMS };
  try {
    known.misplaced = await findMisplaced(db, clock.now(), config.LOOKBACK_SECONDS, limits);
  } catch (error) {
    const reason = asUnavailable(error);
    if (!(reason instanceof UnavailableError)) throw error;
    log.warn({ error: describeError(reason) }, "messages outside the mapping were not looked for");
    // After a lost connection the next pass looks again.
    if (reason.code === "database_unreachable") return;
  }
  known.nextAt = began + LOOK_MS;
}

/** Which collection it is and, where a mapping that ships fits it, the setting. */
export function tellMisplaced({ collection, mapping }: Unmapped): string {
  const name = collection.replaceAll(/\p{C}/gu, "·").slice(0, MAX_NAME);
  return mapping ? `${name}: DOCUMENTS=${mapping}` : name;
}
