import { UnavailableError } from "../errors.ts";
import { describeError } from "../log.ts";
import { findUnmapped, hasMessages, type Unmapped } from "../messages/unmapped.ts";
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
  /** A message was seen where the mapping says: from then on nothing is looked for elsewhere. */
  hasMessages: boolean;
  /** When the next look is due, by the monotonic clock. */
  nextAt: number;
  /** The last look's finding: unsent messages outside the mapping. */
  misplaced: Unmapped[];
}

/** By the namespace of the messages. */
const knownOf = new Map<string, Known>();

/**
 * As long as no message was ever seen where the mapping says, looks now and then for what looks like messages
 * elsewhere, and tells of it in each pass. It fails no pass.
 */
export async function lookForDocuments(pass: Pass): Promise<void> {
  const { began, db, stats } = pass;
  const key = db.messages.namespace;
  const known = knownOf.get(key) ?? {
    hasMessages: false,
    nextAt: Number.NEGATIVE_INFINITY,
    misplaced: [],
  };
  knownOf.set(key, known);
  if (stats.hasSeenMessages) known.hasMessages = true;
  if (!known.hasMessages && began >= known.nextAt) await look(pass, known);
  if (known.hasMessages) return;
  for (const unmapped of known.misplaced) stats.problem("documents_not_found", 1, tell(unmapped));
}

async function look({ began, clock, db, log, stepsUntil }: Pass, known: Known): Promise<void> {
  const maxTimeMS = Math.min(REQUEST_MS, Math.floor(clock.until(stepsUntil) * SHARE_OF_TIME));
  if (maxTimeMS <= 0) return;
  try {
    known.hasMessages = await hasMessages(db, { maxTimeMS });
    if (!known.hasMessages) {
      const found = await findUnmapped(db, clock.now(), { maxTimeMS });
      known.misplaced = found.filter(({ hasUnsent }) => hasUnsent);
    }
  } catch (error) {
    const reason = asUnavailable(error);
    if (!(reason instanceof UnavailableError)) throw error;
    log.warn({ error: describeError(reason) }, "messages outside the mapping were not looked for");
    // After a lost connection the next pass looks again.
    if (reason.code === "database_unreachable") return;
  }
  known.nextAt = began + LOOK_MS;
}

function tell({ collection, mapping }: Unmapped): string {
  const name = collection.replaceAll(/\p{C}/gu, "·").slice(0, MAX_NAME);
  const remedy = mapping ? `set DOCUMENTS=${mapping}` : "npm run doctor proposes DOCUMENTS";
  return `the collection ${name} looks like messages: ${remedy}`;
}
