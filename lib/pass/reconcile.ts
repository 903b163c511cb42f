import { touchCampaigns } from "../campaigns.ts";
import { addSeconds } from "../clock.ts";
import { findUncertain, recordVerdict, type Uncertain, type Verdict } from "../messages/lookups.ts";
import type { Reason } from "../messages/writes.ts";
import type { Lookup } from "../waha/client.ts";
import { maySend, type Pass, type Surroundings } from "./context.ts";

/** A lookup takes no longer than this, and no more of them than this are made in a pass, so many at once. */
const LOOKUP_TIMEOUT_MS = 5_000;
const LOOKUPS_A_PASS = 100;
const LOOKUPS_AT_ONCE = 4;

/** How long until a lookup that proved nothing is repeated: soon at first, seldom once the message is `unknown`. */
const SOON_SECONDS = 50;
const SELDOM_SECONDS = 1800;

/** After this nothing is looked up any more: WAHA's stores keep messages, but nobody waits for an answer. */
const LOOK_BACK_SECONDS = 24 * 3600;

/**
 * Finds out about messages whose POST may have arrived, by looking them up under the id that they were given.
 * Never a second POST.
 *
 * @param around WAHA as found, or undefined when it is away: then only what needs no lookup is decided
 */
export async function reconcile(pass: Pass, around: Surroundings | undefined): Promise<void> {
  const uncertain = await findUncertain(pass.db, pass.clock.now(), LOOKUPS_A_PASS);
  const lanes = Array.from({ length: LOOKUPS_AT_ONCE }, async () => {
    for (let next = uncertain.shift(); next; next = uncertain.shift()) {
      if (!maySend(pass)) return;
      await decide(pass, around, next);
    }
  });
  await Promise.all(lanes);
}

async function decide(pass: Pass, around: Surroundings | undefined, message: Uncertain): Promise<void> {
  const { attemptAt, waMessageId, session } = message.delivery;
  const reachable = around?.sessions.get(session)?.status === "WORKING";
  const complete = attemptAt instanceof Date;
  const lookup =
    !waMessageId || !complete
      ? "unsupported"
      : reachable
        ? await lookUp(pass, message, waMessageId)
        : "unanswered";
  const verdict = judge(pass, message, lookup);
  if (!(await put(pass, message, verdict))) return;
  if (verdict.to === "sent" || verdict.to === "failed") pass.tally.add("reconciled");
  if (verdict.to === "failed") pass.tally.add("failed");
  if (verdict.to === "unknown") pass.tally.add("unknown");
  if (verdict.to === "unknown" || verdict.to === "failed") pass.tally.problem(verdict.reason.code);
  if (verdict.to === "later") return;
  const reason = "reason" in verdict ? verdict.reason : {};
  pass.log.warn({ passId: pass.id, messageId: message._id, session, ...reason }, `looked up: ${verdict.to}`);
}

/**
 * Records a verdict. What it says of the message changes what its campaign comes to, so that is opened with it,
 * in one transaction: an `unknown` message may be in a count that another pass is about to settle by.
 */
async function put(pass: Pass, message: Uncertain, verdict: Verdict): Promise<boolean> {
  const { clock, config, db } = pass;
  if (verdict.to === "later") return recordVerdict(db, message, verdict, clock.now());
  return db.inTransaction(async (session) => {
    await touchCampaigns(db, message.campaignId ? [message.campaignId] : [], config, session);
    return recordVerdict(db, message, verdict, clock.now(), session);
  });
}

async function lookUp(pass: Pass, message: Uncertain, id: string): Promise<Lookup> {
  const { session, chatId } = message.delivery;
  const timeoutMs = Math.min(LOOKUP_TIMEOUT_MS, pass.clock.until(pass.requestsUntil));
  return pass.waha.lookUp(session, chatId, id, timeoutMs);
}

/** What a lookup means for a message, given for how long its fate has been open. */
function judge(pass: Pass, message: Uncertain, lookup: Lookup): Verdict {
  if (lookup === "found") return { to: "sent" };
  if (lookup === "refused") return { to: "failed", reason: { code: "whatsapp_refused", detail: "ack -1" } };
  const { state, attemptAt } = message.delivery;
  const now = pass.clock.now();
  const over = (limit: number) => attemptAt instanceof Date && addSeconds(attemptAt, limit) <= now;
  const hopeless = lookup === "unsupported" || over(LOOK_BACK_SECONDS);
  const givenUp = hopeless || (lookup === "absent" && over(pass.config.UNKNOWN_AFTER_SECONDS));
  const seldom = hopeless ? undefined : addSeconds(now, SELDOM_SECONDS);
  if (state === "unknown") return { to: "later", nextLookupAt: seldom };
  if (!givenUp) return { to: "later", nextLookupAt: addSeconds(now, SOON_SECONDS) };
  return { to: "unknown", reason: unknownBecause(message, lookup), nextLookupAt: seldom };
}

/** Why it is unknown: what was seen at the attempt, and what the lookup could add. */
function unknownBecause(message: Uncertain, lookup: Lookup): Reason {
  const found = message.delivery.waMessageId
    ? { absent: "WAHA does not find it", unsupported: "WAHA can't look it up" }[
        lookup as "absent" | "unsupported"
      ]
    : "there is no message id to look it up by";
  return { code: message.delivery.error?.code ?? "answer_lost", detail: found ?? "WAHA could not be asked" };
}
