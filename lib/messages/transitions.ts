import type { Document } from "mongodb";
import { addSeconds } from "../clock.ts";
import type { MessageNames } from "../documents/mapping.ts";
import { allUnchanged, deliveryBefore, text } from "../mongo/safe-fields.ts";
import { messageOf, PROBLEMS, type Reason } from "../problems.ts";
import { LIVE, liveWithinADay } from "./due.ts";
import {
  CLAIMABLE_STATES,
  type Delivery,
  type DeliveryState,
  type MessageDocument,
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
};

/** A guarded change of one claimed message. A pass whose claim no longer stands matches nothing, however late. */
export interface Transition {
  message: ClaimedMessage;
  filter: Document;
  update: Update;
  /** The state after it; with the claim it tells a reader whether the write took effect. */
  to: DeliveryState;
}

/** What `delivery.error` says: a code, its plain words with the particulars, and when it was found. */
function deliveryError({ code, detail }: Reason, at: Date) {
  return { code, message: messageOf(code, detail), at };
}

/**
 * claimed → released: another pass's claim has expired. No intent exists, so nothing was posted.
 *
 * @param passId gives its own claims back itself
 * @param expiredBy claims that ended by then
 */
export function rescued(passId: string, expiredBy: Date, now: Date): Change {
  return {
    filter: {
      "delivery.claimExpiresAt": { $lte: expiredBy },
      "delivery.state": "claimed",
      "delivery.passId": { $ne: passId },
      // A list of such would match, too, and no field of a list can be set.
      $expr: { $eq: [{ $type: "$delivery" }, "object"] },
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
 * a document): only the count of attempts lives on. `$mergeObjects` replaces where a plain object would be merged in.
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
    $mergeObjects: [{ $literal: { state: "claimed", passId, claimedAt, claimExpiresAt } }, { attempts }],
  };
  return { filter: due, update: [{ $set: { isPicked: true, delivery, ...takenBack(names) } }] };
}

/** Where an attempt goes, and the id that it gives the message, if the engine takes one. */
export interface Attempt {
  session: string;
  chatId: string;
  waMessageId: string | undefined;
  at: Date;
  reconcileAfterSeconds: number;
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
      },
      $inc: { "delivery.attempts": 1 },
      $unset: { "delivery.claimExpiresAt": "" },
    },
  };
}

/**
 * attempting → sent: WAHA accepted it.
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
  return settlement(message, [from], "sent", update);
}

/** attempting → failed: proven unsent, and trying again would fail again: WhatsApp itself refused it, say. */
export function refused(names: MessageNames, message: ClaimedMessage, at: Date, reason: Reason): Transition {
  return settlement(message, ["attempting"], "failed", toFailed(names, at, reason, undefined));
}

/** claimed → failed: it can't be sent as it stands. An edit since it was read saves it from this. */
export function invalid(names: MessageNames, message: ClaimedMessage, at: Date, reason: Reason): Transition {
  const write = settlement(message, ["claimed"], "failed", toFailed(names, at, reason, undefined));
  return { ...write, filter: { ...write.filter, ...asRead(names, message) } };
}

/** claimed, attempting → released: it was tried, and is proven unsent. Its pass does not try it again at once. */
export function released(message: ClaimedMessage, at: Date, reason: Reason): Transition {
  return settlement(message, ["claimed", "attempting"], "released", toReleased(at, reason));
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

/** What a lookup leads to: proof, `unknown` for a person to decide, or another lookup later. */
export type Finding =
  | { to: "sent" }
  | { to: "failed"; reason: Reason }
  | { to: "unknown"; reason: Reason; nextLookupAt: Date | undefined }
  | { to: "later"; nextLookupAt: Date | undefined };

/** attempting, unknown → sent, failed, unknown, or a later lookup: what a lookup of `delivery` found. */
export function foundOut(
  names: MessageNames,
  { attemptAt, state }: Pick<Delivery, "attemptAt" | "state">,
  finding: Finding,
  now: Date,
) {
  const after = lookupAfter(state, now);
  switch (finding.to) {
    case "sent":
      // No pass recorded when exactly it was sent; not before the attempt.
      return toSent(names, attemptAt ?? now, now, after);
    case "failed":
      return picked(toFailed(names, now, finding.reason, after));
    case "unknown":
      return picked(toUnknown(names, now, finding.reason, finding.nextLookupAt));
    case "later":
      return nextLookup(finding.nextLookupAt);
  }
}

/**
 * What is left of a settlement where the database turns the app's fields away, as a validation rule does that does not
 * know `sentAt`: `delivery` alone says what is proven. One that was sent is looked after, for `completed`.
 */
export function ownPart(update: Update, to: DeliveryState, at: Date): Update {
  const ofDelivery = ([field]: [string, unknown]) => field.startsWith("delivery.");
  const $set = Object.fromEntries(Object.entries(update.$set).filter(ofDelivery));
  if (to !== "sent") return { ...update, $set };
  const { "delivery.error": _error, "delivery.nextLookupAt": _none, ...$unset } = update.$unset;
  const own = { "delivery.error": deliveryError(ONLY_IN_DELIVERY, at), "delivery.nextLookupAt": at };
  return { $set: { ...$set, ...own }, $unset };
}

const ONLY_IN_DELIVERY: Reason = {
  code: "database_refused",
  detail: "WAHA accepted the message; the database turns isSent or sentAt away",
};

/** sent → sent: the app's fields follow what `delivery` says. Its campaign is opened after, as for `forgotten`. */
export function completed(names: MessageNames): Change {
  const sentAt = { $ifNull: ["$sentAt", "$delivery.settledAt"] };
  return {
    filter: { "delivery.state": "sent", "delivery.error.code": ONLY_IN_DELIVERY.code },
    update: [
      { $set: { isSent: true, isPicked: true, sentAt, ...takenBack(names) } },
      { $unset: "delivery.error" },
    ],
  };
}

/** sent, failed: it is looked after no more, as its campaign was opened since. */
export function forgotten(): Change {
  return {
    filter: { "delivery.state": { $in: ["sent", "failed"] } },
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

/** attempting, unknown, sent: flags that the app set back say again what `delivery` says. */
export function flagsSetBack(): Change {
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

/** An update of one message or many. An empty operator is fine from MongoDB 5.0 on. */
interface Update {
  $set: Document;
  $unset: Document;
  $inc?: Document;
}

function toSent(names: MessageNames, sentAt: Date, settledAt: Date, lookUpAt: Date | undefined): Update {
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

function toFailed(names: MessageNames, at: Date, reason: Reason, lookUpAt: Date | undefined): Update {
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

function toEnd(state: "failed" | "unknown", at: Date, reason: Reason, lookUpAt: Date | undefined): Update {
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
function nextLookup(at: Date | undefined): Update {
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
function shownReason(reason: Reason, at: Date): string {
  const { code, message } = deliveryError(reason, at);
  return `${code}: ${message}`;
}

/** A second stage, as it repeats the reason that the first one has decided on. */
function shownMissed({ failed, failedReason }: MessageNames): Document[] {
  const reason = { $concat: ["$delivery.error.code", ": ", "$delivery.error.message"] };
  const shown = { ...named(failed, true), ...named(failedReason, reason) };
  return Object.keys(shown).length > 0 ? [{ $set: shown }] : [];
}
