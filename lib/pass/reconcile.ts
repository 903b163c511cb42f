import pMap from "p-map";
import { addSeconds } from "../clock.ts";
import { describeError, shownId } from "../log.ts";
import {
  completeSent,
  findUncertain,
  forgetSettled,
  hasTime,
  postponeLookup,
  recordFinding,
  type Uncertain,
} from "../messages/lookups.ts";
import { PROVING_RECEIPTS } from "../messages/message.ts";
import type { Finding } from "../messages/transitions.ts";
import { isOfOneDocument } from "../mongo/errors.ts";
import type { Id } from "../mongo/ids.ts";
import type { Reason } from "../problems.ts";
import { isProblemCode } from "../problems.ts";
import type { Lookup } from "../waha/client.ts";
import type { WahaSnapshot } from "../waha/snapshot.ts";
import { openCampaignsOf } from "./housekeeping.ts";
import { maySend, type Pass } from "./pass.ts";

/** How long a lookup may take, how many are made in a pass, and how many at once. */
const LOOKUP_TIMEOUT_MS = 5_000;
const LOOKUPS_A_PASS = 100;
const LOOKUPS_AT_ONCE = 4;

/** How long until a lookup that proved nothing is repeated: soon at first, seldom once the message is `unknown`. */
const SOON_SECONDS = 50;
const SELDOM_SECONDS = 1800;

/** After this nothing is looked up any more: WAHA's stores keep messages, but an answer would come too late to matter. */
const LOOK_BACK_SECONDS = 24 * 3600;

/**
 * Finds out about messages whose POST may have arrived, by looking them up under the id that they were given.
 * Never a second POST.
 *
 * @param around WAHA as found, or undefined when it is away: then only what needs no lookup is decided
 */
export async function reconcile(pass: Pass, around: WahaSnapshot | undefined): Promise<void> {
  const uncertain = await findUncertain(pass.db, pass.clock.now(), LOOKUPS_A_PASS);
  await pMap(
    uncertain,
    async (message) => {
      if (!maySend(pass)) return;
      await decide(pass, around, message).catch((error: unknown) => notRecorded(pass, message, error));
    },
    { concurrency: LOOKUPS_AT_ONCE },
  );
}

/** One message that the database turns away keeps no other from being looked after. */
async function notRecorded(pass: Pass, message: Uncertain, error: unknown): Promise<void> {
  if (!isOfOneDocument(error)) throw error;
  pass.stats.problem("database_refused");
  pass.log.warn(
    { messageId: shownId(message._id), error: describeError(error) },
    "what is known of a message was not recorded",
  );
  await lookLater(pass, message._id);
}

/** What can't be written on it may be possible later; until then the others come first. */
async function lookLater({ clock, db }: Pass, id: Id): Promise<void> {
  await postponeLookup(db, id, addSeconds(clock.now(), SELDOM_SECONDS)).catch((error: unknown) => {
    if (!isOfOneDocument(error)) throw error;
  });
}

async function decide(pass: Pass, around: WahaSnapshot | undefined, message: Uncertain): Promise<void> {
  const { chatId, waMessageId, session, state } = message.delivery;
  if (state === "sent" || state === "failed") return lookAfterSettled(pass, message);
  const reachable = around?.sessions.get(session)?.status === "WORKING";
  const complete =
    hasTime(message) && [waMessageId, session, chatId].every((part) => typeof part === "string");
  const lookup =
    readReceipt(message) ??
    (!waMessageId || !complete
      ? "unsupported"
      : reachable
        ? await lookUp(pass, message, waMessageId)
        : "unanswered");
  const finding = judge(pass, message, lookup);
  if (!(await put(pass, message, finding))) return;
  if (finding.to === "sent" || finding.to === "failed") pass.stats.add("reconciled");
  if (finding.to === "failed") pass.stats.add("failed");
  if (finding.to === "unknown") pass.stats.add("unknown");
  if (finding.to === "unknown" || finding.to === "failed")
    pass.stats.problem(finding.reason.code, 1, finding.reason.detail);
  if (finding.to === "later") return;
  const reason = "reason" in finding ? finding.reason : {};
  pass.log.warn({ messageId: shownId(message._id), session, ...reason }, `looked up: ${finding.to}`);
}

/**
 * A pass recorded what it is, and the rest is left to do; or an event of WAHA's settled it; or WhatsApp refused it after
 * WAHA had accepted it.
 */
async function lookAfterSettled(pass: Pass, message: Uncertain): Promise<void> {
  const { error, receipt, session, state } = message.delivery;
  if (state === "sent" && error?.code === "database_refused") await completeSent(pass.db, message._id);
  const isFirst = await recount(pass, message);
  if (!isFirst || state !== "sent" || receipt !== "refused") return;
  pass.stats.problem("refused_after_accepting");
  pass.log.warn(
    { messageId: shownId(message._id), session, code: "refused_after_accepting" },
    "refused by WhatsApp after WAHA had accepted it",
  );
}

/** What an event has told while the attempt's pass waited for its own answer: as good as WAHA's store. */
function readReceipt({ delivery: { receipt } }: Uncertain): Lookup | undefined {
  if (receipt === "refused") return "refused";
  return PROVING_RECEIPTS.some((proving) => proving === receipt) ? "found" : undefined;
}

/** Records a finding, and has the message's campaign counted again. */
async function put(pass: Pass, message: Uncertain, finding: Finding): Promise<boolean> {
  const { clock, db } = pass;
  const { state } = message.delivery;
  // Until now it was left to do in any count, so a count after this waits for the finding.
  if (state === "attempting" && finding.to !== "later") await openCampaignsOf(pass, [message]);
  const applied = await recordFinding(db, message, finding, clock.now());
  if (applied && state === "unknown" && finding.to !== "later") await recount(pass, message);
  return applied;
}

/**
 * Opens the campaign of a message that was `unknown`, and so over in any count before, once the message says what
 * became of it. Only then the message is looked after no more: should this pass die in between, the next one
 * opens the campaign. (A transaction would do both at once, but one that its process leaves behind blocks the
 * campaign, and all that is to be sent of it, for a minute.)
 *
 * @returns whether this pass was the first to do so
 */
export async function recount(pass: Pass, message: Pick<Uncertain, "_id" | "campaignId">): Promise<boolean> {
  if (await openCampaignsOf(pass, [message])) return forgetSettled(pass.db, message._id);
  await lookLater(pass, message._id);
  return false;
}

async function lookUp(pass: Pass, message: Uncertain, id: string): Promise<Lookup> {
  const { session, chatId } = message.delivery;
  const timeoutMs = Math.min(LOOKUP_TIMEOUT_MS, pass.clock.until(pass.requestsUntil));
  return pass.waha.lookUp(session, chatId, id, timeoutMs);
}

/** What a lookup means for a message, given for how long its fate has been open. */
function judge(pass: Pass, message: Uncertain, lookup: Lookup): Finding {
  if (lookup === "found") return { to: "sent" };
  if (lookup === "refused") return { to: "failed", reason: { code: "whatsapp_refused", detail: "ack -1" } };
  const { state, attemptAt } = message.delivery;
  const now = pass.clock.now();
  const over = (limit: number) => hasTime(message) && addSeconds(attemptAt, limit) <= now;
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
  const seen = message.delivery.error?.code;
  return { code: isProblemCode(seen) ? seen : "answer_lost", detail: found ?? "WAHA could not be asked" };
}
