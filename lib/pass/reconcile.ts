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

/** A lookup this long after the attempt is the last one: WAHA's stores keep messages, but an answer would come too late to matter. */
const LOOKED_UP_SECONDS = 24 * 3600;

/**
 * Finds out about messages whose POST may have arrived, by looking them up under the id that they were given.
 * Never a second POST.
 *
 * @param snapshot WAHA as found, or undefined when it is away: then only what needs no lookup is decided
 */
export async function reconcile(pass: Pass, snapshot: WahaSnapshot | undefined): Promise<void> {
  const uncertain = await findUncertain(pass.db, pass.clock.now(), LOOKUPS_A_PASS);
  await pMap(
    uncertain,
    async (message) => {
      if (!maySend(pass)) return;
      await decide(pass, snapshot, message).catch((error: unknown) => notRecorded(pass, message, error));
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

async function decide(pass: Pass, snapshot: WahaSnapshot | undefined, message: Uncertain): Promise<void> {
  const { chatId, waMessageId, session, state } = message.delivery;
  if (state === "sent" || state === "failed") return lookAfterSettled(pass, message);
  const reachable = snapshot?.sessions.get(session)?.status === "WORKING";
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
  const now = pass.clock.now();
  if (!(await put(pass, message, finding, now)) || finding.to === "later") return;
  const reason = "reason" in finding ? finding.reason : {};
  pass.log.warn({ messageId: shownId(message._id), session, ...reason }, `looked up: ${finding.to}`);
  if (finding.to === "unknown") return pass.stats.ended("unknown", finding.reason);
  // It was over in any count before: it is counted, and told, once its campaign was opened.
  if (state === "unknown") return lookAfterSettled(pass, nowSettled(message, finding, now));
  pass.stats.add("reconciled");
  if (finding.to === "failed") pass.stats.ended("failed", finding.reason);
}

function nowSettled(message: Uncertain, finding: Finding & { to: "sent" | "failed" }, now: Date): Uncertain {
  const { error: _before, receipt, ...delivery } = message.delivery;
  const settled = { ...delivery, state: finding.to, nextLookupAt: now };
  if (finding.to === "sent") return { ...message, delivery: receipt ? { ...settled, receipt } : settled };
  const error = { code: finding.reason.code, message: "", at: now };
  return { ...message, delivery: { ...settled, receipt: "refused", error } };
}

/**
 * Does what a settled message still needs: the app's fields, its campaign, the log and the count. Its `nextLookupAt` goes
 * last, so that the next pass does all of it should this one die.
 */
async function lookAfterSettled(pass: Pass, message: Uncertain): Promise<void> {
  const { delivery, _id } = message;
  const { error, receipt, session, state } = delivery;
  const isIncomplete = state === "sent" && error?.code === "database_refused";
  if (isIncomplete) await completeSent(pass.db, _id);
  if (!(await openCampaignsOf(pass, [message]))) return lookLater(pass, _id);
  const isRefusedLate = state === "sent" && receipt === "refused";
  const reason = isRefusedLate ? REFUSED_LATE : state === "failed" ? reasonOf(error?.code) : undefined;
  if (reason) pass.stats.problem(reason.code, 1, reason.detail);
  const fields = { messageId: shownId(_id), session, ...reason };
  pass.log.warn(
    fields,
    isRefusedLate ? "refused by WhatsApp after WAHA had accepted it" : `proven: ${state}`,
  );
  // Another pass was faster, and counts it; or more is to be told of it.
  if (!(await forgetSettled(pass.db, _id, delivery))) return;
  // The pass that sent it has counted it.
  if (isIncomplete || isRefusedLate) return;
  pass.stats.add("reconciled");
  if (state === "failed") pass.stats.add("failed");
}

const REFUSED_LATE: Reason = { code: "refused_after_accepting" };

function reasonOf(code: unknown): Reason {
  return isProblemCode(code) && code !== "whatsapp_refused"
    ? { code }
    : { code: "whatsapp_refused", detail: "ack -1" };
}

/** What an event has told while the attempt's pass waited for its own answer: as good as WAHA's store. */
function readReceipt({ delivery: { provenAt, receipt } }: Uncertain): Lookup | undefined {
  if (receipt === "refused") return "refused";
  const isProven = provenAt instanceof Date || PROVING_RECEIPTS.some((proving) => proving === receipt);
  return isProven ? "found" : undefined;
}

/** Records a finding, and whether that took effect. */
async function put(pass: Pass, message: Uncertain, finding: Finding, now: Date): Promise<boolean> {
  // Until now it was left to do in any count, so a count after this waits for the finding.
  if (message.delivery.state === "attempting" && finding.to !== "later")
    await openCampaignsOf(pass, [message]);
  return recordFinding(pass.db, message, finding, now);
}

/**
 * Opens the campaign of a message that was `unknown`, and so over in any count before, once the message says what
 * became of it. Only then the message is looked after no more: should this pass die in between, the next one
 * opens the campaign. (A transaction would do both at once, but one that its process leaves behind blocks the
 * campaign, and all that is to be sent of it, for a minute.)
 *
 * @param settledAt the `nextLookupAt` that its settlement wrote
 */
export async function recount(
  pass: Pass,
  message: Pick<Uncertain, "_id" | "campaignId">,
  settledAt: Date,
): Promise<void> {
  if (await openCampaignsOf(pass, [message]))
    await forgetSettled(pass.db, message._id, { nextLookupAt: settledAt });
  else await lookLater(pass, message._id);
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
  const isFinal = lookup === "unsupported" || over(LOOKED_UP_SECONDS);
  const givenUp = isFinal || (lookup === "absent" && over(pass.config.UNKNOWN_AFTER_SECONDS));
  const seldom = isFinal ? undefined : addSeconds(now, SELDOM_SECONDS);
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
