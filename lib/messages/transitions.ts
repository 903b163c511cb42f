import type { Document } from "mongodb";
import { addSeconds } from "../clock.ts";
import { allUnchanged } from "../mongo/safe-fields.ts";
import { messageOf, type Reason } from "../problems.ts";
import { type Delivery, type DeliveryState, type MessageDocument, SAFE_FIELDS } from "./message.ts";

/** A message as it was read back after its claim. */
export type ClaimedMessage = MessageDocument & { delivery: Pick<Delivery, "passId" | "claimedAt"> };

/**
 * What makes a claim this one. The pass alone would not do: an app that writes a whole document back can make
 * a message claimable again, and the same pass may then claim it a second time.
 */
function sameClaim({ _id, delivery }: ClaimedMessage): Document {
  return { _id, "delivery.passId": delivery.passId, "delivery.claimedAt": delivery.claimedAt };
}

/**
 * A change of one message's state that stands or falls with its guard. Whoever's claim no longer stands
 * matches nothing, however late its write arrives.
 */
export interface Transition {
  message: ClaimedMessage;
  filter: Document;
  update: Document;
  /** The state after it; with the claim it tells a reader whether the write took effect. */
  to: DeliveryState;
}

export function deliveryError({ code, detail }: Reason, at: Date) {
  return { code, message: messageOf(code, detail), at };
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
export function intent(message: ClaimedMessage, attempt: Attempt): Transition {
  return {
    message,
    to: "attempting",
    filter: {
      ...sameClaim(message),
      "delivery.state": "claimed",
      isSent: false,
      ...asRead(message),
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

/** What the app may have changed since it was read: every field is compared as it was read. */
function asRead(message: MessageDocument): Document {
  const fields = Object.entries(SAFE_FIELDS).map(([field, read]): [string, Document, unknown] => [
    field,
    read,
    message[field as keyof typeof SAFE_FIELDS],
  ]);
  return { isDeleted: false, scheduledAt: { $eq: message.scheduledAt }, ...allUnchanged(fields) };
}

/**
 * WAHA accepted it.
 *
 * @param from `unknown` when the answer came so late that the attempt was already given up: it is proof all the same
 */
export function sent(
  message: ClaimedMessage,
  at: Date,
  waMessageId: string | undefined,
  from: "attempting" | "unknown" = "attempting",
): Transition {
  return settlement(message, [from], "sent", {
    $set: {
      isSent: true,
      isPicked: true,
      sentAt: at,
      "delivery.state": "sent",
      "delivery.settledAt": at,
      ...(waMessageId ? { "delivery.waMessageId": waMessageId } : {}),
      // It was over in any count before: it is looked after until its campaign is opened.
      ...(from === "unknown" ? { "delivery.nextLookupAt": at } : {}),
    },
    $unset: { "delivery.error": "", ...(from === "attempting" ? { "delivery.nextLookupAt": "" } : {}) },
  });
}

/** WhatsApp itself refused it. */
export function refused(message: ClaimedMessage, at: Date, reason: Reason): Transition {
  return settlement(message, ["attempting"], "failed", failure(at, reason));
}

/** It can't be sent as it stands; nothing was posted. An edit since it was read saves it from this. */
export function invalid(message: ClaimedMessage, at: Date, reason: Reason): Transition {
  const write = settlement(message, ["claimed"], "failed", failure(at, reason));
  return { ...write, filter: { ...write.filter, ...asRead(message) } };
}

/** Proven unsent: anybody may claim it again while its window lasts. */
export function released(message: ClaimedMessage, at: Date, reason: Reason): Transition {
  return settlement(message, ["claimed", "attempting"], "released", releaseUpdate(at, reason));
}

/** Posted, with no proof of either outcome and nothing to look it up by: a person decides. */
export function unknown(message: ClaimedMessage, at: Date, reason: Reason): Transition {
  return settlement(message, ["attempting"], "unknown", {
    $set: {
      "delivery.state": "unknown",
      "delivery.settledAt": at,
      "delivery.error": deliveryError(reason, at),
    },
    $unset: { "delivery.nextLookupAt": "" },
  });
}

/** Posted, with no proof of either outcome: it stays `attempting`, and says why. */
export function unproven(message: ClaimedMessage, at: Date, reason: Reason): Transition {
  return settlement(message, ["attempting"], "attempting", {
    $set: { "delivery.error": deliveryError(reason, at) },
  });
}

/** What giving a message back changes; also for several at once. */
export function releaseUpdate(at: Date, reason: Reason): { $set: Document; $unset: Document } {
  return {
    $set: {
      isPicked: false,
      "delivery.state": "released",
      "delivery.settledAt": at,
      "delivery.error": deliveryError(reason, at),
    },
    $unset: { "delivery.claimExpiresAt": "", "delivery.nextLookupAt": "" },
  };
}

function failure(at: Date, reason: Reason): Document {
  return {
    $set: {
      "delivery.state": "failed",
      "delivery.settledAt": at,
      "delivery.error": deliveryError(reason, at),
    },
    $unset: { "delivery.claimExpiresAt": "", "delivery.nextLookupAt": "" },
  };
}

function settlement(
  message: ClaimedMessage,
  from: DeliveryState[],
  to: DeliveryState,
  update: Document,
): Transition {
  return { message, to, update, filter: { ...sameClaim(message), "delivery.state": { $in: from } } };
}
