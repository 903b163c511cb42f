import { type AnyBulkWriteOperation, MongoBulkWriteError } from "mongodb";
import { addSeconds, type Clock } from "../clock.ts";
import type { Database, Stored } from "../mongo/client.ts";

/**
 * What the `scheduler` collection holds on a WAHA session: who may send on it. One sender for a WhatsApp
 * account at any time keeps order and pacing across overlapping passes and hosts.
 */
export interface SessionLease {
  _id: string;
  passId: string;
  /** Until then no other pass sends on the session. */
  expiresAt: Date;
  /** The lease before this one had run out: its pass died, or could not give it back. */
  takenOver?: boolean;
  /** When the last message was posted, for the gap before the next. */
  lastSentAt?: Date;
  /** Until then WhatsApp's restriction of the account is respected. */
  restrictedUntil?: Date;
}

/** How long an account that WhatsApp restricts is left alone; WhatsApp tells no duration, this is a guess. */
const RESTRICTION_SECONDS = 3600;

/** The expiry of a lease that was given back; it is past by every clock. */
const GIVEN_BACK = new Date(0);

const leaseId = (session: string) => `session:${session}`;

const DUPLICATE_KEY = 11_000;

/**
 * Takes the leases of those sessions that are free.
 *
 * @param now leases that ended by then are free
 * @returns by session: the lease as it now stands. It is this pass's if both its `passId` and its expiry are
 */
export async function takeLeases(
  db: Database,
  sessions: string[],
  passId: string,
  now: Date,
  expiresAt: Date,
): Promise<Map<string, SessionLease>> {
  const takenOver = { $gt: ["$expiresAt", GIVEN_BACK] };
  const takes = sessions.map((session) => ({
    updateOne: {
      filter: {
        _id: leaseId(session),
        expiresAt: { $lte: now },
        restrictedUntil: { $not: { $gt: now } },
      },
      update: [{ $set: { passId, expiresAt, takenOver } }],
      // Where another pass holds the lease the filter misses, and the insert then fails on the same _id.
      upsert: true,
    },
  }));
  await db.scheduler
    .bulkWrite(takes as AnyBulkWriteOperation<Stored>[], { ordered: false })
    .catch(ignoreDuplicates);
  const found = await db.scheduler.find<SessionLease>({ _id: { $in: sessions.map(leaseId) } }).toArray();
  return new Map(found.map((lease) => [lease._id.slice(leaseId("").length), lease]));
}

/** A lease of a pass, and when its session's last message was posted, if one was. */
export interface Held {
  session: string;
  lastSentAt: Date | undefined;
}

/**
 * Renews leases in one request, those that are still this pass's and have not run out by the database's own clock.
 *
 * @returns the sessions whose lease was renewed
 */
export async function renewLeases(
  db: Database,
  held: Held[],
  passId: string,
  expiresAt: Date,
): Promise<Set<string>> {
  const renewals = held.map(({ session, lastSentAt }) => ({
    updateOne: {
      filter: { _id: leaseId(session), passId, $expr: { $gt: ["$expiresAt", "$$NOW"] } },
      update: { $set: { expiresAt, ...(lastSentAt ? { lastSentAt } : {}) } },
    },
  }));
  const { matchedCount } = await db.scheduler.bulkWrite(renewals as AnyBulkWriteOperation<Stored>[], {
    ordered: false,
  });
  const all = held.map(({ session }) => session);
  if (matchedCount === held.length) return new Set(all);
  const renewed = await db.scheduler
    .find<Pick<SessionLease, "_id">>({ _id: { $in: all.map(leaseId) }, passId, expiresAt })
    .project({ _id: 1 })
    .toArray();
  return new Set(renewed.map(({ _id }) => (_id as string).slice(leaseId("").length)));
}

/** Keeps every pass from sending on a session for a while: WhatsApp restricts its account. */
export async function restrictSession(db: Database, session: string, now: Date): Promise<void> {
  const restrictedUntil = addSeconds(now, RESTRICTION_SECONDS);
  await db.scheduler.updateOne({ _id: leaseId(session) }, { $set: { restrictedUntil } });
}

/** Gives leases back, those that are still this pass's. */
export async function returnLeases(db: Database, held: Held[], passId: string): Promise<void> {
  if (held.length === 0) return;
  const returns = held.map(({ session, lastSentAt }) => ({
    updateOne: {
      filter: { _id: leaseId(session), passId },
      update: { $set: { expiresAt: GIVEN_BACK, ...(lastSentAt ? { lastSentAt } : {}) } },
    },
  }));
  await db.scheduler.bulkWrite(returns as AnyBulkWriteOperation<Stored>[], { ordered: false });
}

/** How far a lease that is held reaches by its holder's own clock, and a signal that cuts off what outlasts it. */
export class LeaseTrust {
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #marginMs: number;
  readonly #cutOff = new AbortController();
  #trustedUntil: Date;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param acknowledged when the request was sent that took the lease
   * @param marginMs how long before the lease's end what it covers must end
   */
  constructor(clock: Clock, acknowledged: Date, leaseMs: number, marginMs: number) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#marginMs = marginMs;
    this.#trustedUntil = this.#endOf(acknowledged);
    this.#arm();
  }

  /** What it covers must end by then. */
  get coversUntil(): Date {
    return addSeconds(this.#trustedUntil, -this.#marginMs / 1000);
  }

  /** Aborted when what the lease covers must end. */
  get cutOff(): AbortSignal {
    return this.#cutOff.signal;
  }

  /** Extends it: a renewal that was sent at `sentAt` was acknowledged. */
  renewed(sentAt: Date): void {
    const end = this.#endOf(sentAt);
    if (end > this.#trustedUntil) this.#trustedUntil = end;
    this.#arm();
  }

  /** Watches it no more. */
  close(): void {
    clearTimeout(this.#timer);
  }

  /** The holder's clock may be behind the database's by its error. */
  #endOf(acknowledged: Date): Date {
    return addSeconds(acknowledged, (this.#leaseMs - this.#clock.errorMs) / 1000);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const ms = Math.max(0, this.#clock.until(this.coversUntil));
    this.#timer = setTimeout(() => this.#cutOff.abort(), ms);
  }
}

function ignoreDuplicates(error: unknown): void {
  const all = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
  if (all.length === 0 || all.some((single) => single.code !== DUPLICATE_KEY)) throw error;
}
