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
  deferred,
  failed,
  failedAfterAll,
  intent,
  invalid,
  ownPart,
  released,
  returned,
  sent,
  type Transition,
  unknown,
  unproven,
  unreleasable,
} from "../../messages/transitions.ts";
import type { ProblemCode, Reason } from "../../problems.ts";
import type { Pass } from "../pass.ts";
import { recount } from "../reconcile.ts";
import type { PassStats } from "../stats.ts";
import type { Consequence, SessionHealth } from "./health.ts";
import type { MessageIds } from "./message-ids.ts";

/** What the delivery of a message needs to know of its session. */
export interface SessionContext {
  session: string;
  /** The session's; undefined where WAHA did not tell. */
  engine: string | undefined;
  ids: MessageIds;
  health: SessionHealth;
  /** Messages given back as proven unsent since the session's last accepted one. They fail if its next one is accepted soon. */
  suspects: Suspect[];
  /** Aborted when the session's lease no longer covers a POST. */
  cutOff: AbortSignal;
  /** Why no attempt of a message may start now; undefined if one may. */
  whyNot(message: ClaimedMessage): Reason | undefined;
  /** Takes the record of an outcome, to be made beside the next message. */
  record(recorded: Promise<unknown>): void;
  /** Nothing more is to be sent on the session by this pass. */
  stop(reason: Reason): void;
}

/** A message that fails if a later one of its session is accepted. */
interface Suspect {
  message: ClaimedMessage;
  reason: Reason;
  /** When it was posted. */
  at: Date;
  /** What became of the write that gave it back. */
  released: Promise<WriteResult>;
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
}

/** How a message ends that was not sent. */
type Ending = "released" | "deferred" | "returned" | "invalid" | "failed" | "unproven" | "unknown";

/** What each ending writes, how it counts, and what the log says of it. */
const ENDINGS: Record<
  Ending,
  {
    write(names: MessageNames, message: ClaimedMessage, at: Date, reason: Reason): Transition;
    count(stats: PassStats, reason: Reason): void;
    told: string;
  }
> = {
  released: {
    write: (_, ...outcome) => released(...outcome),
    count: (stats, reason) => stats.released(reason),
    told: "given back: nothing was sent",
  },
  deferred: {
    write: (_, ...outcome) => deferred(...outcome),
    count: (stats, reason) => stats.released(reason),
    told: "given back: nothing was sent",
  },
  returned: {
    write: (_, ...outcome) => returned(...outcome),
    count: (stats, reason) => stats.released(reason),
    told: "given back: it was not tried",
  },
  invalid: {
    write: invalid,
    count: (stats, reason) => stats.ended("failed", reason),
    told: "failed: the message is invalid",
  },
  failed: {
    write: failed,
    count: (stats, reason) => stats.ended("failed", reason),
    told: "failed: trying again would fail again",
  },
  unproven: {
    write: (_, ...outcome) => unproven(...outcome),
    count: (stats, reason) => stats.undecided(reason),
    told: "attempted: the outcome is not known, and will be looked up",
  },
  unknown: {
    write: unknown,
    count: (stats, reason) => stats.ended("unknown", reason),
    told: "unknown: the outcome is not known, and there is no id to look it up by",
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
  const end = (ending: Ending, reason: Reason) => {
    const recorded = endAs(pass, context, message, ending, reason);
    context.record(recorded);
    return { recorded };
  };

  if (!message.chatId && message.chatMissing) {
    // Its own chat may be left out, so the message can be sent once the other document is put right.
    end("released", { code: "no_chat", detail: message.chatMissing });
    return { posted: false, notAgain: true };
  }
  const names = db.documents.messages;
  const parsed = parseOutgoing(message, names);
  if ("problem" in parsed) {
    end("invalid", { code: "invalid_message", detail: parsed.problem });
    return { posted: false };
  }
  const { outgoing } = parsed;
  const waits = context.health.whyNot(outgoing.chatId);
  if (waits) {
    end("returned", waits);
    return { posted: false, notAgain: true };
  }

  const contentKind = outgoing.media?.kind ?? "text";
  const id = context.ids.next(contentKind);
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
  if (written === "unacknowledged") {
    const stop: Reason = { code: "database_lost" };
    end("released", stop);
    return { posted: false, stop };
  }
  // The claim may be over: an intent that matched nothing then says nothing about the message.
  const late = context.whyNot(message);
  const isOver = written === "stale" && clock.until(message.delivery.claimExpiresAt) <= clock.errorMs;
  const tooLate = late ?? (isOver ? CLAIM_RAN_OUT : undefined);
  if (tooLate) {
    end("returned", tooLate);
    // What is over for this message is over for those behind it, which go back as well.
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
    if (id && outcome.waMessageId && outcome.waMessageId !== id) context.ids.ignoredFor(contentKind);
    accept(pass, context, message, outcome.waMessageId);
    failSuspects(pass, context, attempt.at);
    context.record(context.health.accepted(attempt.at));
    return { posted: true };
  }
  const { isDeferred, isSuspect, kind, reason, stop } = await context.health.judge(outcome, outgoing.chatId);
  const { recorded } = end(kind === "unsent" && isDeferred ? "deferred" : endingOf(kind, id), reason);
  if (isSuspect) context.suspects.push({ message, reason, at: attempt.at, released: recorded });
  return {
    posted: true,
    open: kind === "unproven" && MAY_BE_UNDER_WAY.has(reason.code),
    notAgain: kind === "unsent" && !stop,
    stop,
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
function endingOf(kind: Consequence["kind"], id: string | undefined): Ending {
  if (kind === "unsent") return "released";
  if (kind === "failed") return "failed";
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

/** A later message of the session was accepted: what WAHA answered to these shortly before was about them alone. */
function failSuspects(pass: Pass, context: SessionContext, postedAt: Date): void {
  const { clock, commit, db, log, stats } = pass;
  const { health, session } = context;
  for (const { at, message, reason, released } of context.suspects.splice(0)) {
    // The session may have recovered since: it stays due.
    if (postedAt.getTime() - at.getTime() > health.beliefMs) continue;
    const fail = async () => {
      if ((await released) !== "applied") return;
      const write = failedAfterAll(db.documents.messages, message, clock.now(), reason);
      // Otherwise it stays due, and is tried again.
      if ((await commit(write)) !== "applied") return;
      stats.failedAfterAll();
      log.warn(
        { messageId: shownId(message._id), session, ...reason },
        "failed: a later message of its session was accepted, so trying again would fail again",
      );
    };
    context.record(fail());
  }
}

/** Records the ending of a message and, once it is, counts it. */
async function endAs(
  pass: Pass,
  context: SessionContext,
  message: ClaimedMessage,
  ending: Ending,
  reason: Reason,
): Promise<WriteResult> {
  const { clock, db, log, stats } = pass;
  const { count, told, write } = ENDINGS[ending];
  const campaignId = shownId(message.campaignId);
  const ids = { messageId: shownId(message._id), ...(campaignId === null ? {} : { campaignId }) };
  const fields = { ...ids, session: context.session, ...reason };
  log.warn(fields, told);
  const transition = write(db.documents.messages, message, clock.now(), reason);
  const settled = await settle(pass, context, transition);
  if (settled === "applied") {
    count(stats, reason);
    log.debug(fields, `recorded as ${transition.to}`);
  } else if (settled === "stale") {
    // Another pass counts it; this log line says what it had come to.
    log.warn(fields, "no longer this pass's to settle");
    // The app corrects it just now: it is free to be read again.
    if (ending === "invalid")
      context.record(endAs(pass, context, message, "released", { code: "message_changed" }));
  } else stats.problem(reason.code, 1, reason.detail);
  return settled;
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
  const { clock, commit, db, log, stats } = pass;
  const { message, to, update } = write;
  const reason: Reason = { code: "database_refused" };
  const isRelease = to === "released";
  const own = isRelease
    ? unreleasable(db.documents.messages, message, clock.now())
    : { ...write, update: ownPart(update, to, clock.now()) };
  const settled = await commit(own);
  if (isRelease && settled === "applied") stats.ended("failed", reason);
  else stats.undecided(reason);
  log.warn({ messageId: shownId(message._id), settled }, `recorded as ${own.to} in delivery alone`);
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
  if (late === "applied") await recount(pass, message, at);
  return late;
}
