import { setTimeout as sleep } from "node:timers/promises";
import { addSeconds } from "../../clock.ts";
import type { MessageNames } from "../../documents/mapping.ts";
import { shownId } from "../../log.ts";
import type { WriteResult } from "../../messages/group-commit.ts";
import type { DeliveryState } from "../../messages/message.ts";
import { parseOutgoing } from "../../messages/outgoing.ts";
import { RECEIPT_SECONDS } from "../../messages/receipts.ts";
import {
  type ClaimedMessage,
  intent,
  invalid,
  ownPart,
  refused,
  released,
  returned,
  sent,
  type Transition,
  unknown,
  unproven,
} from "../../messages/transitions.ts";
import { asReason, type ProblemCode, type Reason } from "../../problems.ts";
import type { SendOutcome } from "../../waha/outcome.ts";
import type { Pass } from "../pass.ts";
import { recount } from "../reconcile.ts";
import type { PassStats } from "../stats.ts";
import type { MessageIds } from "./message-ids.ts";

/** What the delivery of a message needs to know of its session. */
export interface SessionContext {
  session: string;
  /** The session's; undefined where WAHA did not tell. */
  engine: string | undefined;
  ids: MessageIds;
  /** Aborted when the session's lease no longer covers a POST. */
  cutOff: AbortSignal;
  /** Why no attempt of a message may start now; undefined if one may. */
  whyNot(message: ClaimedMessage): Reason | undefined;
  /** Takes the record of an outcome, to be made beside the next message. */
  record(recorded: Promise<unknown>): void;
  /** Nothing more is to be sent on the session by this pass. */
  stop(reason: Reason): void;
}

/** What one message came to, as far as its session is concerned. */
export interface Delivered {
  /** A POST was made. */
  posted: boolean;
  /** No attempt could start any more, and why: the message is still claimed. */
  notStarted?: Reason;
  /** It was given back as its claim is over: so is that of what is queued behind it. */
  claimOver?: boolean;
  /** The POST may still be under way: no other pass may send on the session before the lease has run out. */
  open?: boolean;
  /** Nothing more may be sent on the session in this pass, and why. */
  stop?: Reason | undefined;
  /** It was given back for a reason that lies in itself: this pass does not try it again, and the session goes on. */
  notAgain?: boolean;
  /** WhatsApp restricts the account. */
  restricted?: boolean;
}

/** How a message ends that was not sent. */
type Ending = "released" | "returned" | "invalid" | "refused" | "unproven" | "unknown";

/**
 * What each ending writes, how it counts, what the log says of it, and whether it stops the session: by the same
 * reason, or by another.
 */
const ENDINGS: Record<
  Ending,
  {
    write(names: MessageNames, message: ClaimedMessage, at: Date, reason: Reason): Transition;
    count(stats: PassStats, reason: Reason): void;
    told: string;
    recorded: DeliveryState;
    stop(reason: Reason, session: string): Reason | undefined;
  }
> = {
  released: {
    write: (_, ...outcome) => released(...outcome),
    count: (stats, reason) => stats.released(reason),
    told: "given back: nothing was sent",
    recorded: "released",
    stop: (reason) => reason,
  },
  returned: {
    write: (_, ...outcome) => returned(...outcome),
    count: (stats, reason) => stats.released(reason),
    told: "given back: it could not start in time",
    recorded: "released",
    // What is over for this message is over for those behind it, which go back as well.
    stop: () => undefined,
  },
  invalid: {
    write: invalid,
    count: (stats, reason) => stats.ended("failed", reason),
    told: "failed: the message is invalid",
    recorded: "failed",
    stop: () => undefined,
  },
  refused: {
    write: refused,
    count: (stats, reason) => stats.ended("failed", reason),
    told: "failed: trying again would fail again",
    recorded: "failed",
    stop: ({ code }, session) =>
      code === "account_restricted" ? { code: "account_restricted", detail: session } : undefined,
  },
  unproven: {
    write: (_, ...outcome) => unproven(...outcome),
    count: (stats, reason) => stats.undecided(reason),
    told: "attempted: the outcome is not known, and will be looked up",
    recorded: "attempting",
    stop: (_, session) => ({ code: "session_paused", detail: session }),
  },
  unknown: {
    write: unknown,
    count: (stats, reason) => stats.ended("unknown", reason),
    told: "unknown: the outcome is not known, and there is no id to look it up by",
    recorded: "unknown",
    stop: (_, session) => ({ code: "session_paused", detail: session }),
  },
};

/**
 * Delivers one claimed message: text read, id made, intent acknowledged, one POST, outcome handed over to be
 * recorded. What goes wrong before the POST gives the message back; nothing after it is tried again.
 */
export async function deliver(
  pass: Pass,
  context: SessionContext,
  message: ClaimedMessage,
): Promise<Delivered> {
  const { clock, commit, config, db, log, waha } = pass;
  const { engine, session } = context;
  const end = (ending: Ending, reason: Reason) => endAs(pass, context, message, ending, reason);

  if (!message.chatId && message.chatMissing) {
    // Its own chat may be left out, so the message can be sent once the other document is put right.
    end("released", { code: "no_chat", detail: message.chatMissing });
    return { posted: false, notAgain: true };
  }
  const names = db.documents.messages;
  const parsed = parseOutgoing(message, names);
  if ("problem" in parsed)
    return { posted: false, stop: end("invalid", { code: "invalid_message", detail: parsed.problem }) };
  const { outgoing } = parsed;

  const kind = outgoing.media?.kind ?? "text";
  const id = context.ids.next(kind);
  const notStarted = context.whyNot(message);
  if (notStarted) return { posted: false, notStarted };

  const limitMs = outgoing.media ? config.WAHA_MEDIA_TIMEOUT_MS : config.WAHA_TIMEOUT_MS;
  const timeLimitMs = Math.min(limitMs, clock.until(pass.requestsUntil));
  const attempt = {
    session,
    chatId: outgoing.chatId,
    waMessageId: id,
    at: clock.now(),
    // WAHA may be fetching and uploading a file until then.
    reconcileAfterSeconds: Math.max(config.RECONCILE_AFTER_SECONDS, outgoing.media ? timeLimitMs / 1000 : 0),
    receiptsUntil: config.WAHA_WEBHOOK_KEY ? addSeconds(clock.now(), RECEIPT_SECONDS) : undefined,
  };
  const written = await commit(intent(names, message, attempt));
  if (written === "unacknowledged")
    return { posted: false, stop: end("released", { code: "database_lost" }) };
  // The claim may be over: an intent that matched nothing then says nothing about the message.
  const late = context.whyNot(message);
  const isOver = written === "stale" && clock.until(message.delivery.claimExpiresAt) <= clock.errorMs;
  const tooLate = late ?? (isOver ? CLAIM_RAN_OUT : undefined);
  if (tooLate) {
    end("returned", tooLate);
    return { posted: false, claimOver: tooLate.code === CLAIM_RAN_OUT.code };
  }
  if (written === "rejected") end("released", { code: "database_refused" });
  else if (written === "stale") end("released", { code: "message_changed" });
  if (written !== "applied") return { posted: false };

  log.debug(
    { messageId: shownId(message._id), session, waMessageId: id },
    "intent acknowledged: it is posted now",
  );
  const timeoutMs = Math.min(timeLimitMs, clock.until(pass.requestsUntil));
  const outcome = await waha.send({ session, engine, id, ...outgoing }, timeoutMs, context.cutOff);

  if (outcome.kind === "sent") {
    if (id && outcome.waMessageId && outcome.waMessageId !== id) context.ids.ignoredFor(kind);
    accept(pass, context, message, outcome.waMessageId);
    return { posted: true };
  }
  const notAgain = outcome.kind === "unsent" && outcome.about === "message";
  const stop = end(endingOf(outcome, id), asReason(outcome));
  return {
    posted: true,
    open: outcome.kind === "unproven" && MAY_BE_UNDER_WAY.has(outcome.code),
    notAgain,
    restricted: outcome.kind === "failed" && outcome.accountRestricted,
    stop: notAgain ? undefined : stop,
  };
}

const CLAIM_RAN_OUT: Reason = { code: "claim_ran_out" };

/** Without an answer of WAHA's own it may go on with the request. */
const MAY_BE_UNDER_WAY: ReadonlySet<ProblemCode> = new Set([
  "waha_timeout",
  "waha_connection_lost",
  "waha_gateway",
  "lease_ran_out",
]);

/** Without an id there is nothing to look the message up by, so nothing more will ever be known of it. */
function endingOf({ kind }: Exclude<SendOutcome, { kind: "sent" }>, id: string | undefined): Ending {
  if (kind === "unsent") return "released";
  if (kind === "failed") return "refused";
  return id ? "unproven" : "unknown";
}

function accept(
  pass: Pass,
  context: SessionContext,
  message: ClaimedMessage,
  waMessageId: string | undefined,
): void {
  const { clock, log, stats } = pass;
  const at = clock.now();
  const fields = { messageId: shownId(message._id), session: context.session };
  stats.sent(at.getTime() - message.scheduledAt.getTime());
  log.debug(fields, "sent");
  context.record(
    settleSent(pass, context, message, at, waMessageId).then((settled) => {
      if (settled === "applied") log.debug(fields, "recorded as sent");
      else if (settled === "rejected") log.error(fields, "sent, and the database turns the record away");
      else log.warn({ ...fields, settled }, "sent, but not recorded by this pass");
    }),
  );
}

/**
 * Hands the ending of a message over to be recorded and, once it is, counted.
 *
 * @returns why the session stops, if it does
 */
function endAs(
  pass: Pass,
  context: SessionContext,
  message: ClaimedMessage,
  ending: Ending,
  reason: Reason,
): Reason | undefined {
  const { clock, log, stats } = pass;
  const { count, recorded, stop, told, write } = ENDINGS[ending];
  const campaignId = shownId(message.campaignId);
  const ids = { messageId: shownId(message._id), ...(campaignId === null ? {} : { campaignId }) };
  const fields = { ...ids, session: context.session, ...reason };
  log.warn(fields, told);
  context.record(
    settle(pass, context, write(pass.db.documents.messages, message, clock.now(), reason)).then((settled) => {
      if (settled === "applied") {
        count(stats, reason);
        log.debug(fields, `recorded as ${recorded}`);
      } else if (settled === "stale") {
        // Another pass counts it; this log line says what it had come to.
        log.warn(fields, "no longer this pass's to settle");
        // The app corrects it just now: it is free to be read again.
        if (ending === "invalid") endAs(pass, context, message, "released", { code: "message_changed" });
      } else stats.problem(reason.code, 1, reason.detail);
    }),
  );
  return stop(reason, context.session);
}

/** Between two tries of a settlement that the database did not acknowledge. */
const RETRY_MS = 250;

/**
 * Records an outcome, again and again while the pass lasts if the database does not acknowledge it: repeating
 * it is harmless, its guard sees to that.
 */
async function settle(pass: Pass, context: SessionContext, write: Transition): Promise<WriteResult> {
  for (;;) {
    const result = await pass.commit(write);
    // Before anything else waits: the next intent may have come back with it, and must not be followed by a POST.
    if (result === "rejected" && OUTCOMES.has(write.to)) context.stop(NOT_RECORDED);
    if (result === "rejected") await settleInDelivery(pass, write);
    if (result !== "unacknowledged" || pass.clock.until(pass.requestsUntil) < RETRY_MS) return result;
    await sleep(RETRY_MS);
  }
}

/** What a POST may come to. A message whose outcome can't be recorded must not be followed by others. */
const OUTCOMES: ReadonlySet<DeliveryState> = new Set(["sent", "failed", "attempting", "unknown"]);

const NOT_RECORDED: Reason = {
  code: "database_refused",
  detail: "what an earlier message of the session came to could not be recorded",
};

/** Repeating what the database turns away would only hold the session up: `delivery` alone may be possible. */
async function settleInDelivery(pass: Pass, write: Transition): Promise<void> {
  const { clock, commit, log, stats } = pass;
  stats.undecided({ code: "database_refused" });
  const settled = await commit({ ...write, update: ownPart(write.update, write.to, clock.now()) });
  log.warn({ messageId: shownId(write.message._id), settled }, `recorded as ${write.to} in delivery alone`);
}

/**
 * Records that WAHA accepted a message. If the attempt was already given up as `unknown`, this late answer
 * still settles it, and has its campaign counted again.
 */
async function settleSent(
  pass: Pass,
  context: SessionContext,
  message: ClaimedMessage,
  at: Date,
  waMessageId: string | undefined,
): Promise<WriteResult> {
  const names = pass.db.documents.messages;
  const settled = await settle(pass, context, sent(names, message, at, waMessageId));
  if (settled !== "stale") return settled;
  const late = await settle(pass, context, sent(names, message, at, waMessageId, "unknown"));
  if (late === "applied") await recount(pass, message);
  return late;
}
