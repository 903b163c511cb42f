import { randomUUID } from "node:crypto";
import { type Document, ObjectId, UUID } from "mongodb";
import { takenBack } from "../../lib/messages/transitions.ts";
import type { Database } from "../../lib/mongo/client.ts";
import { isOfOneDocument } from "../../lib/mongo/errors.ts";
import type { Id } from "../../lib/mongo/ids.ts";
import { writeEach } from "../../lib/mongo/updates.ts";
import type { Ended } from "./selection.ts";

/** What came of messages that were to be sent again; the others had changed since they were seen. */
export interface Outcome {
  /** Due again. */
  done: number;
  /** Turned away by the database: a validation rule, or a unique index of the app's. */
  rejected: number;
}

/** A message that is to be due again, and when. */
export interface Again {
  ended: Ended;
  scheduledAt: Date;
}

/** Only what still is as it was seen: every later state, and every later end, has another of these. */
function asSeen({ _id, delivery: { state, settledAt } }: Ended): Document {
  return {
    _id,
    isDeleted: false,
    isSent: false,
    isPicked: true,
    "delivery.state": { $eq: state },
    "delivery.settledAt": { $eq: settledAt },
  };
}

/**
 * Puts missed and failed messages back to due: what an app does to ask again. Their time may be days ahead, so the
 * app's own fields say at once that nothing is wrong any more.
 */
export async function putBack(db: Database, again: Again[]): Promise<Outcome> {
  const shown = takenBack(db.documents.messages);
  const updates = again.map(({ ended, scheduledAt }) => ({
    filter: asSeen(ended),
    update: { $set: { isPicked: false, scheduledAt, ...shown } },
  }));
  const { changed: done, rejected } = await writeEach(db.messages, updates);
  return { done, rejected };
}

/**
 * Sends again what may have arrived. The scheduler never does so itself, whatever its flags say: in one transaction
 * the message is taken back (`isDeleted`), and a copy of it without a past is written, which is due.
 */
export async function copyUnknown(db: Database, { ended, scheduledAt }: Again): Promise<Outcome> {
  try {
    const done = await db.database.client.withSession((session) =>
      session.withTransaction(async () => {
        const taken = await db.messages.findOneAndUpdate(
          asSeen(ended),
          { $set: { isDeleted: true } },
          // The copy's numbers must be of the same types.
          { session, promoteValues: false },
        );
        if (!taken) return false;
        const { delivery, sentAt, ...copy } = taken;
        const due = { scheduledAt, isSent: false, isDeleted: false, isPicked: false };
        const shown = takenBack(db.documents.messages);
        await db.messages.insertOne({ ...copy, ...due, ...shown, _id: anotherId(ended._id) }, { session });
        return true;
      }),
    );
    return { done: done ? 1 : 0, rejected: 0 };
  } catch (error) {
    if (!isOfOneDocument(error)) throw error;
    return { done: 0, rejected: 1 };
  }
}

const HEXADECIMAL = /^[0-9a-f]{24}$/;

/** A new id of the same kind as another, so that the app which made that one can read it. */
function anotherId(id: Id): Id {
  if (typeof id === "string") return HEXADECIMAL.test(id) ? new ObjectId().toHexString() : randomUUID();
  return !(id instanceof ObjectId) && typeof id !== "number" ? new UUID() : new ObjectId();
}
