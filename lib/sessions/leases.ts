import type { AnyBulkWriteOperation, Document } from "mongodb";
import { FORESEEN_SECONDS } from "../clock.ts";
import type { Database, Stored } from "../mongo/client.ts";

/**
 * What the `scheduler` collection holds on a WAHA session: who may send on it. One sender for a WhatsApp
 * account at any time keeps order and pacing across overlapping passes and hosts.
 */
export interface SessionLease {
  _id: string;
  passId: string;
  /** When the pass took it, by its own clock: with `passId` it tells this tenure from another of the same pass. */
  takenAt: Date;
  /** Until then, by the database's clock, no other pass sends on the session. */
  expiresAt: Date;
  /** The lease before this one had run out: its pass died, or could not give it back. */
  takenOver?: boolean;
  /** When it was given back last, by the database's clock. */
  returnedAt?: Date;
  /** It was to end at an impossible time when a pass asked for it last. */
  isCut?: boolean;
  /** When the last message was posted, for the gap before the next. */
  lastSentAt?: Date;
  /** Why nothing is, or was, sent on it until `suspendedUntil`. */
  suspendedFor?: SuspensionCode;
  suspendedUntil?: Date;
  /** The chats whose outcomes spoke against the session, by what they spoke of; and when the last one did. */
  strikes?: Partial<Record<SuspensionCode, string[]>>;
  struckAt?: Date;
}

/** Why a session rests, over passes. */
export const SUSPENSION_CODES = ["session_sick", "session_throttled", "account_restricted"] as const;
export type SuspensionCode = (typeof SUSPENSION_CODES)[number];

/** One tenure of a lease, and when its session's last message was posted, if one was. */
export interface Tenure {
  session: string;
  passId: string;
  takenAt: Date;
  lastSentAt: Date | undefined;
}

/** The expiry of a lease that was given back; it is past by every clock. */
const GIVEN_BACK = new Date(0);

/** The `_id` of a session's lease. */
export const leaseId = (session: string) => `session:${session}`;
/** Whose lease it is. */
export const sessionOf = ({ _id }: Pick<SessionLease, "_id">) => _id.slice(leaseId("").length);

/** No session rests longer. */
export const LONGEST_REST_SECONDS = 3600;

/** An end of a rest that is further ahead was not written by a pass whose clock was right, and is not believed. */
export const BELIEVED_SECONDS = LONGEST_REST_SECONDS + FORESEEN_SECONDS;

/** The end of a rest, where it is believed, by the database's own clock. */
export const BELIEVED_END: Document = {
  $cond: [
    { $lte: ["$suspendedUntil", { $add: ["$$NOW", BELIEVED_SECONDS * 1000] }] },
    "$suspendedUntil",
    null,
  ],
};

const RESTS: Document = { $gt: [BELIEVED_END, "$$NOW"] };

/** It has ended by the database's own clock, and the session does not rest. */
const FREE: Document = { $and: [{ $lte: ["$expiresAt", "$$NOW"] }, { $not: [RESTS] }] };

/**
 * An end too far ahead for a pass to have written it. What is no date and sorts after all dates counts, too: it would never
 * be over.
 */
const IMPOSSIBLE: Document = { $gt: ["$expiresAt", { $add: ["$$NOW", FORESEEN_SECONDS * 1000] }] };

/**
 * Takes the leases of those sessions that are free, for `leaseMs` milliseconds from the database's own now. One whose
 * end is impossible is cut to a lease from now: should it have a holder all the same, that one renews it.
 *
 * @param takenAt makes this tenure: no other of the same pass may have it
 * @returns by session: the lease as it now stands. It is this pass's if both `passId` and `takenAt` are
 */
export async function takeLeases(
  db: Database,
  sessions: string[],
  { passId, takenAt }: Pick<Tenure, "passId" | "takenAt">,
  leaseMs: number,
): Promise<Map<string, SessionLease>> {
  const taken = {
    passId: { $literal: passId },
    takenAt,
    expiresAt: { $add: ["$$NOW", leaseMs] },
    takenOver: { $gt: ["$expiresAt", GIVEN_BACK] },
  };
  // One that is not free stays as it is.
  const kept: Record<string, unknown> = {
    ...Object.fromEntries(Object.keys(taken).map((name) => [name, `$${name}`])),
    expiresAt: { $cond: [IMPOSSIBLE, taken.expiresAt, "$expiresAt"] },
  };
  const fields = Object.entries(taken).map(([name, value]) => [name, { $cond: [FREE, value, kept[name]] }]);
  const isCut = { $cond: [IMPOSSIBLE, true, "$$REMOVE"] };
  const update = [{ $set: { ...Object.fromEntries(fields), isCut } }];
  await writeAll(
    db,
    sessions.map((session) => ({ updateOne: { filter: { _id: leaseId(session) }, update, upsert: true } })),
  );
  return readLeases(db, sessions);
}

/** The leases of sessions as they stand, by session; one that was never sent on has none. */
export async function readLeases(db: Database, sessions: string[]): Promise<Map<string, SessionLease>> {
  if (sessions.length === 0) return new Map();
  const found = await db.scheduler.find<SessionLease>({ _id: { $in: sessions.map(leaseId) } }).toArray();
  return new Map(found.map((lease) => [sessionOf(lease), lease]));
}

/**
 * Renews leases in one request, those that are still this tenure's and have not run out, for
 * `leaseMs` milliseconds from the database's own now. A renewal that arrives late shortens nothing.
 *
 * @returns the sessions whose lease was renewed
 */
export async function renewLeases(db: Database, tenures: Tenure[], leaseMs: number): Promise<Set<string>> {
  const renewed = { $add: ["$$NOW", leaseMs] };
  const expiresAt = { $cond: [IMPOSSIBLE, renewed, { $max: ["$expiresAt", renewed] }] };
  const { matchedCount } = await writeAll(
    db,
    tenures.map((tenure) => ({
      updateOne: {
        filter: { ...sameTenure(tenure), $expr: NOT_OVER },
        update: [{ $set: { expiresAt, ...latest(tenure) } }],
      },
    })),
  );
  if (matchedCount === tenures.length) return new Set(tenures.map(({ session }) => session));
  // Within a tenure the end only grows: one that has not run out by now had not when it was renewed.
  const held = await db.scheduler
    .find<Pick<SessionLease, "_id">>({ $or: tenures.map(sameTenure), $expr: NOT_OVER })
    .project({ _id: 1 })
    .toArray();
  return new Set(held.map((lease) => sessionOf(lease as SessionLease)));
}

const NOT_OVER: Document = { $gt: ["$expiresAt", "$$NOW"] };

/** Gives leases back, those that are still this tenure's. */
export async function returnLeases(db: Database, tenures: Tenure[]): Promise<void> {
  await writeAll(
    db,
    tenures.map((tenure) => ({
      updateOne: {
        filter: sameTenure(tenure),
        update: [{ $set: { expiresAt: GIVEN_BACK, returnedAt: "$$NOW", ...latest(tenure) } }],
      },
    })),
  );
}

/** Leaves leases to run out; the pause after their sessions' last messages is to be kept all the same. */
export async function leaveLeases(db: Database, tenures: Tenure[]): Promise<void> {
  const sending = tenures.filter(({ lastSentAt }) => lastSentAt);
  await writeAll(
    db,
    sending.map((tenure) => ({
      updateOne: { filter: sameTenure(tenure), update: [{ $set: latest(tenure) }] },
    })),
  );
}

function sameTenure({ passId, session, takenAt }: Tenure): Document {
  return { _id: leaseId(session), passId, takenAt };
}

/** One that lies ahead was none. */
const PAST_SEND: Document = { $cond: [{ $gt: ["$lastSentAt", "$$NOW"] }, "$$NOW", "$lastSentAt"] };

function latest({ lastSentAt }: Tenure): Document {
  return lastSentAt ? { lastSentAt: { $max: [PAST_SEND, lastSentAt] } } : {};
}

async function writeAll(db: Database, writes: Document[]): Promise<{ matchedCount: number }> {
  if (writes.length === 0) return { matchedCount: 0 };
  return db.scheduler.bulkWrite(writes as AnyBulkWriteOperation<Stored>[], { ordered: false });
}
