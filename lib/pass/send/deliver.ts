import { setTimeout as sleep } from "node:timers/promises";
import { shownId } from "../../log.ts";
import { parseText } from "../../messages/message.ts";
import {
  type ClaimedMessage,
  intent,
  invalid,
  refused,
  released,
  sent,
  type Transition,
  unknown,
  unproven,
} from "../../messages/transitions.ts";
import { asReason, type Reason } from "../../problems.ts";
import type { SendOutcome } from "../../waha/outcome.ts";
import { countReleased, maySend, type Pass } from "../pass.ts";
import { recount } from "../reconcile.ts";
import type { MessageIds } from "./message-ids.ts";

/** What one message came to, as far as its session is concerned. */
export interface Verdict {
  /** A POST was made. */
  posted: boolean;
  /** Nothing more may be sent on the session in this pass, and why. */
  stop?: Reason;
  /** WhatsApp restricts the account. */
  restricted?: boolean;
}

/** Where one session's messages are attempted. */
export interface Lane {
  session: string;
  ids: MessageIds;
  /** Whether another message follows, for which an id can be fetched ahead. */
  hasNext(): boolean;
  /** Takes the record of an outcome, to be made beside the next message. */
  record(recorded: Promise<unknown>): void;
}

/**
 * Attempts one claimed message: intent written and acknowledged, one POST, outcome handed over to be recorded.
 * Whatever goes wrong before the POST gives the message back; nothing after it is tried again.
 */
export async function attempt(pass: Pass, lane: Lane, message: ClaimedMessage): Promise<Verdict> {
  const { clock, commit, config, waha } = pass;
  const { session } = lane;
  const giveBack = (reason: Reason) => record(pass, lane, message, reason, "released");
  const read = parseText(message);
  if ("problem" in read) {
    record(pass, lane, message, { code: "invalid_message", detail: read.problem }, "invalid");
    return { posted: false };
  }
  const id = await lane.ids.take();
  if (id && typeof id === "object") return { posted: false, stop: giveBack(asReason(id)) };
  const { chatId, content: text } = read.draft;
  const reconcileAfterSeconds = config.RECONCILE_AFTER_SECONDS;
  const plan = { session, chatId, waMessageId: id, at: clock.now(), reconcileAfterSeconds };
  const written = await commit(intent(message, plan));
  if (written === "unacknowledged") return { posted: false, stop: giveBack({ code: "database_lost" }) };
  // Claims expire with the time to send: an intent that is refused then says nothing about the message.
  if (!maySend(pass)) return { posted: false, stop: giveBack({ code: "out_of_time" }) };
  if (written !== "applied") {
    giveBack({ code: written === "denied" ? "database_refused" : "message_changed" });
    return { posted: false };
  }
  pass.log.debug(
    { passId: pass.id, messageId: shownId(message._id), session, waMessageId: id },
    "intent acknowledged: it is posted now",
  );
  if (lane.hasNext()) lane.ids.fetchAhead();
  const timeoutMs = Math.min(config.WAHA_TIMEOUT_MS, clock.until(pass.requestsUntil));
  const outcome = await waha.sendText({ session, chatId, text, ...(id ? { id } : {}) }, timeoutMs);
  return { posted: true, ...settleOutcome(pass, lane, message, outcome, id) };
}

/** Hands the record of an outcome over, and tells what it means for the session. */
function settleOutcome(
  pass: Pass,
  lane: Lane,
  message: ClaimedMessage,
  outcome: SendOutcome,
  givenId: string | undefined,
): Omit<Verdict, "posted"> {
  switch (outcome.kind) {
    case "sent":
      if (givenId && outcome.waMessageId && outcome.waMessageId !== givenId) lane.ids.giveUp();
      accept(pass, lane, message, outcome.waMessageId);
      return {};
    case "unsent":
      return { stop: record(pass, lane, message, asReason(outcome), "released") };
    case "failed":
      record(pass, lane, message, asReason(outcome), "refused");
      if (!outcome.accountRestricted) return {};
      return { restricted: true, stop: { code: "account_restricted", detail: lane.session } };
    case "unproven":
      // Without an id there is nothing to look it up by, so nothing more will ever be known.
      record(pass, lane, message, asReason(outcome), givenId ? "unproven" : "unknown");
      return { stop: { code: "session_paused", detail: lane.session } };
  }
}

function accept(pass: Pass, lane: Lane, message: ClaimedMessage, waMessageId: string | undefined): void {
  const at = pass.clock.now();
  const fields = { passId: pass.id, messageId: shownId(message._id), session: lane.session };
  pass.tally.sent(at.getTime() - message.scheduledAt.getTime());
  pass.log.debug(fields, "sent");
  lane.record(
    settleSent(pass, message, at, waMessageId).then((settled) => {
      if (settled === "applied") pass.log.debug(fields, "recorded as sent");
      else pass.log.warn({ ...fields, settled }, "sent, but not recorded by this pass");
    }),
  );
}

type Unsent = "released" | "invalid" | "refused" | "unproven" | "unknown";

/** What did not go the normal way: logged, and handed over to be recorded and counted. Gives the reason back. */
function record(pass: Pass, lane: Lane, message: ClaimedMessage, reason: Reason, how: Unsent): Reason {
  const ids = { messageId: shownId(message._id), campaignId: shownId(message.campaignId) };
  const fields = { passId: pass.id, ...ids, session: lane.session, ...reason };
  pass.log.warn(fields, how);
  lane.record(
    settle(pass, writeOf(pass, message, reason, how)).then((settled) => {
      if (settled === "applied") {
        count(pass, reason, how);
        pass.log.debug(fields, `recorded as ${how}`);
      }
      // Not this pass's to count; its own log line says what it had come to.
      if (settled === "refused") pass.log.warn(fields, "no longer this pass's to settle");
      if (settled === "lost") pass.tally.problem(reason.code, 1, reason.detail);
      // The app corrects it just now: it is free to be read again.
      if (settled === "refused" && how === "invalid") {
        record(pass, lane, message, { code: "message_changed" }, "released");
      }
    }),
  );
  return reason;
}

/** Counts what is recorded. */
function count(pass: Pass, reason: Reason, how: Unsent): void {
  const { tally } = pass;
  if (how === "released") countReleased(pass, reason);
  else tally.problem(reason.code, 1, reason.detail);
  if (how === "unknown") tally.add("unknown");
  // Still open, and so not out yet: it keeps the pass from being ok.
  if (how === "unproven") tally.undecided();
  if (how === "invalid" || how === "refused") tally.add("failed");
}

function writeOf(pass: Pass, message: ClaimedMessage, reason: Reason, how: Unsent): Transition {
  const at = pass.clock.now();
  switch (how) {
    case "released":
      return released(message, at, reason);
    case "invalid":
      return invalid(message, at, reason);
    case "refused":
      return refused(message, at, reason);
    case "unproven":
      return unproven(message, at, reason);
    case "unknown":
      return unknown(message, at, reason);
  }
}

/** Between two tries of a settlement that the database did not acknowledge. */
const RETRY_MS = 250;

/**
 * What recording an outcome came to: it is in effect; the message is no longer this pass's to settle; or the
 * database never acknowledged it, and a later pass finds out.
 */
export type Settled = "applied" | "refused" | "lost";

/**
 * Records an outcome, again and again while the pass lasts if the database does not acknowledge it: repeating
 * it is harmless, its guard sees to that.
 */
export async function settle(pass: Pass, write: Transition): Promise<Settled> {
  for (;;) {
    const result = await pass.commit(write);
    if (result === "applied" || result === "refused") return result;
    // Repeating what is turned away for good would only hold the session up.
    if (result === "denied") return "lost";
    if (pass.clock.until(pass.requestsUntil) < RETRY_MS) return "lost";
    await sleep(RETRY_MS);
  }
}

/**
 * Records that WAHA accepted a message. If the attempt was already given up as `unknown`, this late answer
 * still settles it, and has its campaign counted again.
 */
export async function settleSent(
  pass: Pass,
  message: ClaimedMessage,
  at: Date,
  waMessageId: string | undefined,
): Promise<Settled> {
  const settled = await settle(pass, sent(message, at, waMessageId));
  if (settled !== "refused") return settled;
  const late = await settle(pass, sent(message, at, waMessageId, "unknown"));
  if (late === "applied") await recount(pass, message);
  return late;
}
