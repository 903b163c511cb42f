import type { Document } from "mongodb";
import { addSeconds, FORESEEN_SECONDS } from "../clock.ts";
import type { MessageNames } from "../documents/mapping.ts";
import { allUnchanged, deliveryBefore, text } from "../mongo/safe-fields.ts";
import { messageOf, PROBLEMS, type Reason } from "../problems.ts";
import { LIVE, liveWithinADay } from "./due.ts";
import {
  CLAIMABLE_STATES,
  type Delivery,
  type DeliveryState,
  type MessageDocument,
  PROVING_RECEIPTS,
  RECEIPTS,
  type Receipt,
  safeFieldsOf,
} from "./message.ts";

/*
 * The state machine: every change of a message's state, once, in the order of the table in docs/protocol.md.
 * A change of one message stands or falls with its guard; a change of many is a filter and an update, for
 * those ids that the caller adds.
 */

/** A change of many messages; `mark` matches what this very change has made of them. */
export interface Change {
  filter: Document;
  update: Document | Document[];
  mark?: Document;
}

/** A message as it was read back after its claim. */
export type ClaimedMessage = MessageDocument & {
  delivery: Pick<Delivery, "passId" | "claimedAt"> & { claimExpiresAt: Date };
  /** The chat that its campaign or group named at the claim, for a message that names none. */
  campaignChat?: unknown;
  /** What was missing on the way to that chat. */
  chatMissing?: string | undefined;
  /** It was deferred: it goes out after what was not. */
  isDeferred?: boolean;
};

/** A guarded change of one claimed message. A pass whose claim no longer stands matches nothing, however late. */
export interface Transition {
  message: ClaimedMessage;
  filter: Document;
  update: Update;
  /** The state after it; with the claim it tells a reader whether the write took effect. */
  to: DeliveryState;
}

/** The database's own time, in an expression. */
const NOW = "$$NOW";

/** A moment, or an expression that gives one. */
type Moment = Date | typeof NOW | Document;

/** `delivery` is a document: filters match a list of documents, too, and no field of a list can be set. */
const IS_DOCUMENT: Document = { $eq: [{ $type: "$delivery" }, "object"] };

/** What `delivery.error` says: a code, its plain words with the particulars, and when it was found. */
function deliveryError({ code, detail }: Reason, at: Moment) {
  return { code, message: messageOf(code, detail), at };
}

/**
 * claimed → released: another pass's claim has expired, or ends at an impossible time. No intent exists, so nothing was posted.
 *
 * @param passId gives its own claims back itself
 * @param expiredBy claims that ended by then
 */
export function rescued(passId: string, expiredBy: Date, now: Date): Change {
  return {
    filter: {
      $or: [
        { "delivery.claimExpiresAt": { $lte: expiredBy } },
        { "delivery.claimExpiresAt": { $gt: addSeconds(now, FORESEEN_SECONDS) } },
      ],
      "delivery.state": "claimed",
      "delivery.passId": { $ne: passId },
      $expr: IS_DOCUMENT,
    },
    update: givenBack({ code: "pass_died" }, now),
    mark: { ...liveWithinADay(now), "delivery.error.code": "pass_died", "delivery.error.at": now },
  };
}

/** (none), released → released: it is due and can't be sent now, and says why. It stays due. */
export function noted(due: Document, reason: Reason, at: Date): Change {
  const error = deliveryError(reason, at);
  const saysSoSinceDue = {
    "delivery.state": "released",
    "delivery.error.message": error.message,
    $expr: { $gte: ["$delivery.error.at", "$scheduledAt"] },
  };
  const delivery = { $mergeObjects: [deliveryBefore, { state: "released", error: { $literal: error } }] };
  return { filter: { ...due, $nor: [saysSoSinceDue] }, update: [{ $set: { delivery } }] };
}

/**
 * due → claimed, with a new `delivery`, whatever was there before (nothing, null, or something that is not even
 * a document). Kept are the count of attempts; `deferredAt`; the last attempt's `session`, `waMessageId` and
 * `receiptsUntil`, as a late receipt of it may still stop a second POST; and the receipt `refused`, after which not every
 * event is proof. `$mergeObjects` replaces where a plain object would be merged in.
 */
export function claimed(
  names: MessageNames,
  due: Document,
  passId: string,
  claimedAt: Date,
  claimExpiresAt: Date,
): Change {
  const attempts = { $cond: [{ $isNumber: "$delivery.attempts" }, "$delivery.attempts", 0] };
  const delivery = {
    $mergeObjects: [
      { $literal: { state: "claimed", passId, claimedAt, claimExpiresAt } },
      {
        attempts,
        session: kept("session", "string"),
        waMessageId: kept("waMessageId", "string"),
        receiptsUntil: kept("receiptsUntil", "date"),
        receipt: { $cond: [IS_REFUSED, "refused", "$$REMOVE"] },
        deferredAt: kept("deferredAt", "date"),
      },
    ],
  };
  return { filter: due, update: [{ $set: { isPicked: true, delivery, ...takenBack(names) } }] };
}

const IS_REFUSED: Document = { $eq: ["$delivery.receipt", "refused"] };

function kept(field: keyof Delivery, type: string): Document {
  const path = `$delivery.${field}`;
  return { $cond: [{ $eq: [{ $type: path }, type] }, path, "$$REMOVE"] };
}

/** Where an attempt goes, and the id that it gives the message, if the engine takes one. */
export interface Attempt {
  session: string;
  chatId: string;
  waMessageId: string | undefined;
  at: Date;
  reconcileAfterSeconds: number;
  /** Undefined where no receipts are awaited. */
  receiptsUntil: Date | undefined;
}

/**
 * The intent: claimed → attempting, written and acknowledged before the POST. It takes effect only while the
 * claim is this pass's and not expired by the database's own clock (a frozen process's may have stood
 * still), and the message is still what was read: not deleted, moved or edited.
 */
export function intent(names: MessageNames, message: ClaimedMessage, attempt: Attempt): Transition {
  return {
    message,
    to: "attempting",
    filter: {
      ...sameClaim(message),
      "delivery.state": "claimed",
      isSent: false,
      ...asRead(names, message),
      $expr: { $gt: ["$delivery.claimExpiresAt", "$$NOW"] },
    },
    update: {
      $set: {
        "delivery.state": "attempting",
        "delivery.attemptAt": attempt.at,
        "delivery.session": attempt.session,
        "delivery.chatId": attempt.chatId,
        "delivery.nextLookupAt": addSeconds(attempt.at, attempt.reconcileAfterSeconds),
        ...(attempt.waMessageId ? { "delivery.waMessageId": attempt.waMessageId } : {}),
        ...(attempt.receiptsUntil ? { "delivery.receiptsUntil": attempt.receiptsUntil } : {}),
      },
      $inc: { "delivery.attempts": 1 },
      // Without an id of its own it must not have the last attempt's, nor ever that one's receipt.
      $unset: {
        "delivery.claimExpiresAt": "",
        "delivery.receipt": "",
        "delivery.receiptAt": "",
        ...(attempt.waMessageId ? {} : { "delivery.waMessageId": "" }),
      },
    },
  };
}

/**
 * attempting → sent: WAHA accepted it. What WhatsApp has refused meanwhile is left for reconcile to settle.
 *
 * @param from `unknown` when the answer came so late that the attempt was already given up: it is proof all the same
 */
export function sent(
  names: MessageNames,
  message: ClaimedMessage,
  at: Date,
  waMessageId: string | undefined,
  from: "attempting" | "unknown" = "attempting",
): Transition {
  const update = toSent(names, at, at, lookupAfter(from, at));
  if (waMessageId) update.$set["delivery.waMessageId"] = waMessageId;
  const write = settlement(message, [from], "sent", update);
  return { ...write, filter: { ...write.filter, "delivery.receipt": { $ne: "refused" } } };
}

/** attempting → failed: proven unsent, and trying again would fail again: WhatsApp itself refused it, say. */
export function failed(names: MessageNames, message: ClaimedMessage, at: Date, reason: Reason): Transition {
  const write = settlement(message, ["attempting"], "failed", toFailed(names, at, reason, undefined));
  return unlessProven(write);
}

/**
 * released → failed: it was given back by this claim as proven unsent, and a later message of its session has been
 * accepted, so that its answer was about it alone. An edit since it was read saves it from this.
 */
export function failedAfterAll(
  names: MessageNames,
  message: ClaimedMessage,
  at: Date,
  reason: Reason,
): Transition {
  const update = picked(toFailed(names, at, reason, undefined));
  const write = settlement(message, ["released"], "failed", update);
  const unchanged = { ...write, filter: { ...write.filter, ...LIVE, ...asRead(names, message) } };
  return unlessProven(unchanged);
}

/** claimed → failed: it can't be sent as it stands. An edit since it was read saves it from this. */
export function invalid(names: MessageNames, message: ClaimedMessage, at: Date, reason: Reason): Transition {
  const write = settlement(message, ["claimed"], "failed", toFailed(names, at, reason, undefined));
  return { ...write, filter: { ...write.filter, ...asRead(names, message) } };
}

/**
 * claimed, attempting → released: it is proven unsent, posted or not. By `settledAt` no pass claims it again at once.
 */
export function released(message: ClaimedMessage, at: Date, reason: Reason): Transition {
  const write = settlement(message, ["claimed", "attempting"], "released", toReleased(at, reason));
  return unlessProven(write);
}

/** attempting → released: the same, by an answer that may be about it alone. It goes behind the others of its session. */
export function deferred(message: ClaimedMessage, at: Date, reason: Reason): Transition {
  const write = released(message, at, reason);
  return { ...write, update: { ...write.update, $set: { ...write.update.$set, "delivery.deferredAt": at } } };
}

/** claimed, attempting → released: it was not tried. It is due at once, so that nothing overtakes it. */
export function returned(message: ClaimedMessage, at: Date, reason: Reason): Transition {
  return settlement(message, ["claimed", "attempting"], "released", givenBack(reason, at));
}

/** attempting → attempting: posted, with no proof of either outcome. It says why. */
export function unproven(message: ClaimedMessage, at: Date, reason: Reason): Transition {
  return settlement(message, ["attempting"], "attempting", {
    $set: { "delivery.error": deliveryError(reason, at) },
    $unset: {},
  });
}

/** attempting → unknown: posted, with no proof of either outcome and nothing to look it up by. A person decides. */
export function unknown(names: MessageNames, message: ClaimedMessage, at: Date, reason: Reason): Transition {
  return settlement(message, ["attempting"], "unknown", toUnknown(names, at, reason, undefined));
}

/**
 * attempting → failed, in `delivery` alone: it is proven unsent, and the database turned its release away. So it ends, with
 * the reason, where a release without `isPicked` would be found by no pass. A claim needs no such end: it expires.
 */
export function unreleasable(names: MessageNames, message: ClaimedMessage, at: Date): Transition {
  const update = ownPart(toFailed(names, at, NOT_DUE_AGAIN, undefined), "failed", at);
  return unlessProven(settlement(message, ["attempting"], "failed", update));
}

/** claimed → released, of many: this pass gives back what it has not tried. They are due at once. */
export function returnedClaims(passId: string, at: Date, reason: Reason): Change {
  const { code } = reason;
  return {
    filter: { "delivery.passId": passId, "delivery.state": "claimed" },
    update: givenBack(reason, at),
    mark: {
      "delivery.passId": passId,
      "delivery.state": "released",
      "delivery.error.code": code,
      "delivery.error.at": at,
    },
  };
}

/** What a lookup leads to: proof (`failed`: WhatsApp refused it), `unknown` for a person to decide, or another lookup later. */
export type Finding =
  | { to: "sent" }
  | { to: "failed"; reason: Reason }
  | { to: "unknown"; reason: Reason; nextLookupAt: Date | undefined }
  | { to: "later"; nextLookupAt: Date | undefined };

/** attempting, unknown → sent, failed, unknown, or a later lookup: what a lookup of `delivery` found. */
export function foundOut(
  names: MessageNames,
  { attemptAt, receipt, state }: Pick<Delivery, "attemptAt" | "receipt" | "state">,
  finding: Finding,
  now: Date,
): Update {
  const after = lookupAfter(state, now);
  switch (finding.to) {
    case "sent":
      // No pass recorded when exactly it was sent; not before the attempt.
      return toSent(names, attemptAt ?? now, now, after);
    case "failed": {
      const { $set, $unset } = picked(toFailed(names, now, finding.reason, after));
      // So that no late event takes it for sent.
      const ofRefusal = receipt === "refused" ? {} : refusedAt(now);
      return { $set: { ...$set, ...ofRefusal }, $unset };
    }
    case "unknown":
      return picked(toUnknown(names, now, finding.reason, finding.nextLookupAt));
    case "later":
      return nextLookup(finding.nextLookupAt);
  }
}

/**
 * The part of a settlement that concerns `delivery` alone, for where the database turns the app's fields away: by a
 * validation rule that does not know `sentAt`, say. What was sent keeps a `nextLookupAt`, so that `completed` writes the
 * app's fields later.
 */
export function ownPart(update: Update, to: DeliveryState, at: Date): Update {
  const ofDelivery = ([field]: [string, unknown]) => field.startsWith("delivery.");
  const $set = Object.fromEntries(Object.entries(update.$set).filter(ofDelivery));
  if (to !== "sent") return { ...update, $set };
  const { "delivery.error": _error, "delivery.nextLookupAt": _none, ...$unset } = update.$unset;
  const own = { "delivery.error": deliveryError(ONLY_IN_DELIVERY, at), "delivery.nextLookupAt": at };
  return { $set: { ...$set, ...own }, $unset };
}

const REFUSED_LATE_ERROR = deliveryError({ code: "refused_after_accepting" }, NOW);

const NOT_DUE_AGAIN: Reason = {
  code: "database_refused",
  detail: "nothing was sent; the database does not let the message be due again",
};

const ONLY_IN_DELIVERY: Reason = {
  code: "database_refused",
  detail: "WAHA accepted the message; the database turns isSent or sentAt away",
};

/**
 * sent → sent: the app's fields follow what `delivery` says; its error then tells of WhatsApp's refusal, if one came
 * meanwhile. Its campaign is opened after, as for `forgotten`.
 */
export function completed(names: MessageNames): Change {
  const sentAt = { $ifNull: ["$sentAt", "$delivery.settledAt"] };
  return {
    filter: { "delivery.state": "sent", "delivery.error.code": ONLY_IN_DELIVERY.code },
    update: [
      { $set: { isSent: true, isPicked: true, sentAt, ...takenBack(names) } },
      { $set: { "delivery.error": { $cond: [IS_REFUSED, REFUSED_LATE_ERROR, "$$REMOVE"] } } },
    ],
  };
}

/** What an event of WAHA's says of an attempt. */
export interface Heard {
  receipt: Receipt | undefined;
  /** What became of the attempt, if the event proves that. */
  proves: "sent" | "refused" | undefined;
}

/**
 * any → the same with a higher receipt; and, where the event is proof:
 *
 * - unknown, attempting → sent, failed
 * - claimed, released, missed, failed → sent: an answer had said otherwise, and a second POST is still to be stopped
 *
 * After a refusal only a receipt of a phone (`delivered` or higher) proves a message sent: other events come before the
 * refusal, and again after it.
 *
 * Not while a pass may wait for its own answer, as its settlement would then be stale: such an attempt gets the
 * receipt alone, or `provenAt` where the event reports none, and reconcile settles it by that if its pass does not.
 *
 * What is settled is looked after once more, so that its campaign is counted again; so is what WhatsApp refused after
 * WAHA accepted it, so that people are told.
 *
 * @param postLimitMs how long a pass waits for the answer to a text; for that to a file it waits until `nextLookupAt`
 */
export function heard(names: MessageNames, { receipt, proves }: Heard, postLimitMs: number): Change {
  const rises = receipt ? receiptRises(receipt) : NEVER;
  const settles = proves ? settledBy(proves, receipt, postLimitMs) : NEVER;
  const isMarked = proves === "sent" && !receipt ? { $and: [MAY_BE_MARKED, { $not: [settles] }] } : NEVER;
  // An error that stands already stays: it may say that the app's fields are still to be written.
  const isRefusedLate = { $and: [rises, { $eq: [STATE, "sent"] }, { $lte: ["$delivery.error", null] }] };
  return {
    filter: { $expr: { $and: [IS_DOCUMENT, IS_AWAITED, { $or: [rises, settles, isMarked] }] } },
    update: [
      ...(receipt === "refused" ? [where(isRefusedLate, REFUSED_LATE)] : []),
      ...(receipt && receipt !== "refused" ? [where({ $and: [rises, SAYS_REFUSED] }, NO_ERROR)] : []),
      ...(receipt ? [where(rises, withReceipt(receipt))] : []),
      ...(proves === "sent" && !receipt ? [where(isMarked, PROVEN)] : []),
      ...(proves === "sent" ? [where(settles, provenSent(names))] : []),
      ...(proves === "refused" ? [where(settles, provenRefused(names))] : []),
    ],
  };
}

const STATE = "$delivery.state";
const IS_AWAITED: Document = { $gt: ["$delivery.receiptsUntil", NOW] };
const NEVER: Document = { $literal: false };

/** States of a message that was not sent, by all that its pass knew. */
const NOT_SENT = ["claimed", "released", "missed", "failed"];

/** An attempt of which no event has said anything yet. */
const MAY_BE_MARKED: Document = {
  $and: [
    { $eq: [STATE, "attempting"] },
    { $not: [{ $in: ["$delivery.receipt", RECEIPTS] }] },
    { $ne: [{ $type: "$delivery.provenAt" }, "date"] },
  ],
};
const PROVEN: Update = { $set: { "delivery.provenAt": NOW }, $unset: {} };

/** The message has no receipt, or a lower one. */
function receiptRises(receipt: Receipt): Document {
  return { $not: [{ $in: ["$delivery.receipt", RECEIPTS.slice(RECEIPTS.indexOf(receipt))] }] };
}

/**
 * Whether the proof settles a message: no pass may wait for an answer of its own any more, and WhatsApp has not reported
 * what outranks it.
 */
function settledBy(proves: "sent" | "refused", receipt: Receipt | undefined, postLimitMs: number): Document {
  const isOverdue = {
    $and: [
      { $lte: ["$delivery.nextLookupAt", NOW] },
      { $lte: ["$delivery.attemptAt", { $subtract: [NOW, postLimitMs] }] },
    ],
  };
  const isUnproven = { $eq: [{ $type: "$delivery.error" }, "object"] };
  const isLeft = { $and: [{ $eq: [STATE, "attempting"] }, { $or: [isUnproven, isOverdue] }] };
  const isOpen = { $or: [{ $eq: [STATE, "unknown"] }, isLeft] };
  const outranking = RECEIPTS.slice(receipt ? RECEIPTS.indexOf(receipt) + 1 : 0);
  const contradicting = outranking.filter((other) => (proves === "refused") !== (other === "refused"));
  const isUncontradicted = { $not: [{ $in: ["$delivery.receipt", contradicting] }] };
  const from = proves === "refused" ? isOpen : { $or: [isOpen, { $in: [STATE, NOT_SENT] }] };
  return { $and: [from, isUncontradicted] };
}

const REFUSED_LATE: Update = {
  $set: { "delivery.error": REFUSED_LATE_ERROR, "delivery.nextLookupAt": NOW },
  $unset: {},
};

/** It was delivered after all. */
const SAYS_REFUSED: Document = { $eq: ["$delivery.error.code", "refused_after_accepting"] };
const NO_ERROR: Update = { $set: {}, $unset: { "delivery.error": "" } };

function refusedAt(at: Date): Document {
  return { "delivery.receipt": "refused" satisfies Receipt, "delivery.receiptAt": at };
}

function withReceipt(receipt: Receipt): Update {
  return { $set: { "delivery.receipt": receipt, "delivery.receiptAt": NOW }, $unset: {} };
}

function provenSent(names: MessageNames): Update {
  const { $set, $unset } = toSent(names, { $ifNull: ["$delivery.attemptAt", NOW] }, NOW, NOW);
  return { $set, $unset: { ...$unset, "delivery.claimExpiresAt": "" } };
}

function provenRefused(names: MessageNames): Update {
  return picked(toFailed(names, NOW, { code: "whatsapp_refused", detail: "ack -1" }, NOW));
}

/** A stage of an update that makes a change where a condition holds. The values may be expressions. */
function where(condition: Document, { $set, $unset }: Update): Document {
  const set = (field: string, value: unknown) => [field, { $cond: [condition, value, `$${field}`] }];
  return {
    $set: Object.fromEntries([
      ...Object.entries($set).map(([field, value]) => set(field, value)),
      ...Object.keys($unset).map((field) => set(field, "$$REMOVE")),
    ]),
  };
}

/** The attempt's receipts have been awaited long enough. */
export function awaitedNoMore(now: Date): Change {
  return {
    filter: { "delivery.receiptsUntil": { $lte: now } },
    update: { $unset: { "delivery.receiptsUntil": "" } },
  };
}

/** What of a settled message was seen before it is forgotten. */
export type Seen = Pick<Delivery, "nextLookupAt" | "receipt">;

/** sent, failed: it is looked after no more, as its campaign was opened since. A refusal since it was seen is still to be told. */
export function forgotten({ nextLookupAt, receipt }: Seen): Change {
  // What JavaScript has no date for can't be compared.
  const isDate = nextLookupAt instanceof Date && !Number.isNaN(nextLookupAt.getTime());
  return {
    filter: {
      "delivery.state": { $in: ["sent", "failed"] },
      ...(isDate ? { "delivery.nextLookupAt": nextLookupAt } : {}),
      ...(receipt === "refused" ? {} : { "delivery.receipt": { $ne: "refused" } }),
    },
    update: { $unset: { "delivery.nextLookupAt": "" } },
  };
}

/** The words of a reason are shorter, in bytes. */
const MAX_WORDS = 4_096;

/** It was given back since it fell due, and so says why itself. The words must be text: they are put together later. */
export const SAYS_WHY: Document = {
  $and: [
    { $eq: ["$delivery.state", "released"] },
    { $gte: ["$delivery.error.at", "$scheduledAt"] },
    { $in: ["$delivery.error.code", Object.keys(PROBLEMS)] },
    { $eq: [{ $type: text("delivery.error.message", MAX_WORDS) }, "string"] },
  ],
};

/**
 * (none), released → missed: the window closed unsent. What says why itself keeps its reason; the others get
 * `reason`. What was claimed, moved or deleted meanwhile is not ended.
 */
export function missed(names: MessageNames, windowFrom: Date, now: Date, reason: Reason): Change {
  const error = { $cond: [SAYS_WHY, "$delivery.error", { $literal: deliveryError(reason, now) }] };
  const delivery = { $mergeObjects: [deliveryBefore, { state: "missed", settledAt: now, error }] };
  return {
    filter: {
      ...LIVE,
      scheduledAt: { $lt: windowFrom },
      "delivery.state": { $in: [...CLAIMABLE_STATES] },
    },
    update: [{ $set: { isPicked: true, delivery } }, ...shownMissed(names)],
    mark: { "delivery.state": "missed", "delivery.settledAt": now },
  };
}

/** States of a message that was, or may have been, sent: it must not look as if it were still to be. */
export const MAY_BE_SENT = ["attempting", "unknown", "sent"] as const;

/** attempting, unknown, sent: flags that the app reset say again what `delivery` says. */
export function flagsRestored(): Change {
  return {
    filter: { ...LIVE, "delivery.state": { $in: [...MAY_BE_SENT] } },
    update: [{ $set: { isPicked: true, isSent: { $eq: ["$delivery.state", "sent"] } } }],
  };
}

/**
 * What makes a claim this one. The pass alone would not do: an app that writes a whole document back can make
 * a message claimable again, and the same pass may then claim it a second time.
 */
function sameClaim({ _id, delivery }: ClaimedMessage): Document {
  return { _id, "delivery.passId": delivery.passId, "delivery.claimedAt": delivery.claimedAt };
}

/** What the app may have changed since it was read: every field is compared as it was read. */
function asRead(names: MessageNames, message: MessageDocument): Document {
  return {
    isDeleted: false,
    scheduledAt: { $eq: message.scheduledAt },
    ...allUnchanged(safeFieldsOf(names), message),
  };
}

function settlement(
  message: ClaimedMessage,
  from: DeliveryState[],
  to: DeliveryState,
  update: Update,
): Transition {
  return { message, to, update, filter: { ...sameClaim(message), "delivery.state": { $in: from } } };
}

/** An event has proven that it was sent, whatever this pass was answered: its write is stale, and reconcile settles it. */
function unlessProven(write: Transition): Transition {
  const isUnproven = {
    "delivery.receipt": { $nin: [...PROVING_RECEIPTS] },
    "delivery.provenAt": { $not: { $type: "date" } },
  };
  return { ...write, filter: { ...write.filter, ...isUnproven } };
}

/** An update of one message or many. An empty operator is fine from MongoDB 5.0 on. */
interface Update {
  $set: Document;
  $unset: Document;
  $inc?: Document;
}

function toSent(
  names: MessageNames,
  sentAt: Moment,
  settledAt: Moment,
  lookUpAt: Moment | undefined,
): Update {
  const lookup = nextLookup(lookUpAt);
  return {
    $set: {
      isSent: true,
      isPicked: true,
      sentAt,
      "delivery.state": "sent",
      "delivery.settledAt": settledAt,
      ...takenBack(names),
      ...lookup.$set,
    },
    $unset: { "delivery.error": "", ...lookup.$unset },
  };
}

function toFailed(names: MessageNames, at: Moment, reason: Reason, lookUpAt: Moment | undefined): Update {
  const update = toEnd("failed", at, reason, lookUpAt);
  const shown = { ...named(names.failed, true), ...named(names.failedReason, shownReason(reason, at)) };
  return { $set: { ...update.$set, ...shown }, $unset: { "delivery.claimExpiresAt": "", ...update.$unset } };
}

/** For the app `failed` would invite a second send, so only the reason is shown. */
function toUnknown(names: MessageNames, at: Date, reason: Reason, lookUpAt: Date | undefined): Update {
  const update = toEnd("unknown", at, reason, lookUpAt);
  const shown = named(names.failedReason, shownReason(reason, at));
  return { $set: { ...update.$set, ...shown }, $unset: update.$unset };
}

function toEnd(
  state: "failed" | "unknown",
  at: Moment,
  reason: Reason,
  lookUpAt: Moment | undefined,
): Update {
  const lookup = nextLookup(lookUpAt);
  return {
    $set: {
      "delivery.state": state,
      "delivery.settledAt": at,
      "delivery.error": deliveryError(reason, at),
      ...lookup.$set,
    },
    $unset: lookup.$unset,
  };
}

/** The app may have set `isPicked` back since the attempt. */
function picked({ $set, $unset }: Update): Update {
  return { $set: { ...$set, isPicked: true }, $unset };
}

function toReleased(at: Date, reason: Reason): Update {
  const { $set, $unset } = givenBack(reason, at);
  return { $set: { ...$set, "delivery.settledAt": at }, $unset };
}

function givenBack(reason: Reason, at: Date): Update {
  return {
    $set: { isPicked: false, "delivery.state": "released", "delivery.error": deliveryError(reason, at) },
    $unset: { "delivery.claimExpiresAt": "", "delivery.nextLookupAt": "" },
  };
}

/** What was `unknown` was over in any count before: it is looked after until its campaign is opened. */
function lookupAfter(state: DeliveryState, now: Date): Date | undefined {
  return state === "unknown" ? now : undefined;
}

/** When to look again, or that it is over. */
function nextLookup(at: Moment | undefined): Update {
  return at
    ? { $set: { "delivery.nextLookupAt": at }, $unset: {} }
    : { $set: {}, $unset: { "delivery.nextLookupAt": "" } };
}

/** A field of the app's own that is written, where it has one. */
function named(field: string | null, value: unknown): Document {
  return field === null ? {} : { [field]: value };
}

/** The app's own fields say again that nothing went wrong; not removed, as Prisma can't read a Boolean that is absent. */
export function takenBack(names: MessageNames): Document {
  return { ...named(names.failed, false), ...named(names.failedReason, null) };
}

/** What the app's own screens show. */
function shownReason(reason: Reason, at: Moment): string {
  const { code, message } = deliveryError(reason, at);
  return `${code}: ${message}`;
}

/** A second stage, as it repeats the reason that the first one has decided on. */
function shownMissed({ failed, failedReason }: MessageNames): Document[] {
  const reason = { $concat: ["$delivery.error.code", ": ", "$delivery.error.message"] };
  const shown = { ...named(failed, true), ...named(failedReason, reason) };
  return Object.keys(shown).length > 0 ? [{ $set: shown }] : [];
}
