import { type AnyBulkWriteOperation, MongoBulkWriteError } from "mongodb";
import { addSeconds } from "../clock.ts";
import type { Database, Stored } from "../mongo/client.ts";

/**
 * What the `scheduler` collection holds on a WAHA session: who may send on it. One sender for a WhatsApp
 * account at any time keeps order and pacing across overlapping passes and hosts.
 */
export interface SessionLease {
  _id: string;
  passId: string;
  /** Until then nobody else sends on the session. */
  expiresAt: Date;
  /** When the last message was posted, for the gap before the next. */
  lastSentAt?: Date;
  /** Until then WhatsApp's restriction of the account is respected. */
  restrictedUntil?: Date;
}

/** How long an account that WhatsApp restricts is left alone; WhatsApp tells no duration, this is a guess. */
const RESTRICTION_SECONDS = 3600;

/** An expiry that is past by anybody's clock. */
const OVER = new Date(0);

const leaseId = (session: string) => `session:${session}`;

const DUPLICATE_KEY = 11_000;

/**
 * Takes the leases of those sessions that nobody holds, and tells who holds what.
 *
 * @returns by session: the lease as it now stands, ours if its `passId` is
 */
export async function takeLeases(
  db: Database,
  sessions: string[],
  passId: string,
  now: Date,
  expiresAt: Date,
): Promise<Map<string, SessionLease>> {
  const takes = sessions.map((session) => ({
    updateOne: {
      filter: {
        _id: leaseId(session),
        $or: [{ expiresAt: { $lte: now } }, { passId }],
        restrictedUntil: { $not: { $gt: now } },
      },
      update: { $set: { passId, expiresAt } },
      // Where the lease is somebody else's the filter misses, and the insert then fails on the same _id.
      upsert: true,
    },
  }));
  await db.scheduler
    .bulkWrite(takes as AnyBulkWriteOperation<Stored>[], { ordered: false })
    .catch(ignoreDuplicates);
  const found = await db.scheduler.find<SessionLease>({ _id: { $in: sessions.map(leaseId) } }).toArray();
  return new Map(found.map((lease) => [lease._id.slice(leaseId("").length), lease]));
}

/** Keeps every pass from sending on a session for a while: WhatsApp restricts its account. */
export async function restrictSession(db: Database, session: string, now: Date): Promise<void> {
  const restrictedUntil = addSeconds(now, RESTRICTION_SECONDS);
  await db.scheduler.updateOne({ _id: leaseId(session) }, { $set: { restrictedUntil } });
}

/** What a pass leaves behind on a lease that it gives back. */
export interface LeaseReturn {
  session: string;
  lastSentAt: Date | undefined;
}

/** Gives leases back, those that are still this pass's. */
export async function returnLeases(db: Database, returns: LeaseReturn[], passId: string): Promise<void> {
  if (returns.length === 0) return;
  const gives = returns.map(({ session, lastSentAt }) => ({
    updateOne: {
      filter: { _id: leaseId(session), passId },
      update: {
        $set: {
          expiresAt: OVER,
          ...(lastSentAt ? { lastSentAt } : {}),
        },
      },
    },
  }));
  await db.scheduler.bulkWrite(gives as AnyBulkWriteOperation<Stored>[], { ordered: false });
}

function ignoreDuplicates(error: unknown): void {
  const all = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
  if (all.length === 0 || all.some((single) => single.code !== DUPLICATE_KEY)) throw error;
}
