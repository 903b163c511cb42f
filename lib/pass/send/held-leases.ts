import { addSeconds, earliest, FORESEEN_SECONDS } from "../../clock.ts";
import { describeError } from "../../log.ts";
import {
  leaveLeases,
  renewLeases,
  returnLeases,
  type SessionLease,
  type Tenure,
  takeLeases,
} from "../../sessions/leases.ts";
import { type Strikes, strikesOf } from "../../sessions/suspensions.ts";
import type { Pass } from "../pass.ts";

/** One lease of this pass: how far it may be trusted, and a signal that cuts off what outlasts it. */
export class HeldLease implements Tenure {
  readonly session: string;
  readonly passId: string;
  readonly takenAt: Date;
  lastSentAt: Date | undefined;
  /** What spoke against the session when the lease was taken. */
  readonly strikes: Strikes | undefined;
  /** It is to run out: a POST may still be under way, or claims are left. It is renewed no more, nor given back. */
  runsOut = false;
  /** Another pass has it, or it ran out. */
  isLost = false;
  readonly #pass: Pass;
  readonly #cutOff = new AbortController();
  #trustedUntil: Date;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(pass: Pass, session: string, lease: SessionLease) {
    this.#pass = pass;
    this.session = session;
    this.passId = pass.id;
    this.takenAt = lease.takenAt;
    this.lastSentAt = lease.lastSentAt;
    this.strikes = strikesOf(lease);
    this.#trustedUntil = this.#endOf(lease.takenAt);
    this.#arm();
  }

  /** Claims and POSTs under it must end by then. */
  get coversUntil(): Date {
    return addSeconds(this.#trustedUntil, -this.#pass.lifetimes.marginMs / 1000);
  }

  /** Aborted when what the lease covers must end. */
  get cutOff(): AbortSignal {
    return this.#cutOff.signal;
  }

  /** Nothing may begin under it any more. */
  get isOver(): boolean {
    return this.isLost || this.#cutOff.signal.aborted;
  }

  /** A renewal that was sent at this moment was acknowledged. */
  renewed(sentAt: Date): void {
    const end = this.#endOf(sentAt);
    if (end <= this.#trustedUntil) return;
    this.#trustedUntil = end;
    this.#arm();
  }

  /** Watches it no more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** It lasts `leaseMs` from when the database wrote it, which was later; the clock may be wrong by its error. */
  #endOf(sentAt: Date): Date {
    return addSeconds(sentAt, (this.#pass.lifetimes.leaseMs - this.#pass.clock.errorMs) / 1000);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed || this.isOver) return;
    const ms = Math.max(0, this.#pass.clock.until(this.coversUntil));
    this.#timer = setTimeout(() => this.#cutOff.abort(), ms);
  }
}

/** The leases of a pass, which it renews for as long as it holds them. */
export class HeldLeases {
  readonly #pass: Pass;
  readonly #onLost: (lease: HeldLease) => void;
  readonly #held = new Set<HeldLease>();
  readonly #renewals: NodeJS.Timeout;
  #lastTakenAt = new Date(0);

  /** @param onLost called once for each lease that another pass has, or that ran out */
  constructor(pass: Pass, onLost: (lease: HeldLease) => void) {
    this.#pass = pass;
    this.#onLost = onLost;
    this.#renewals = setInterval(() => void this.#renew(), pass.lifetimes.renewalMs);
  }

  /**
   * Takes the leases of sessions.
   *
   * @param seenAt when the look at what is due began
   * @returns those that are held now, by session, and the others as they stand; and whether a second
   * survey is needed: a lease had run out, or was given back after that look began, and its pass had claimed messages
   */
  async take(
    sessions: string[],
    seenAt: Date,
  ): Promise<{
    held: Map<string, HeldLease>;
    others: Map<string, SessionLease>;
    isSeenTooEarly: boolean;
  }> {
    const { db, id: passId, lifetimes } = this.#pass;
    const takenAt = this.#nextTenure();
    const others = await takeLeases(db, sessions, { passId, takenAt }, lifetimes.leaseMs);
    const held = new Map<string, HeldLease>();
    let isSeenTooEarly = false;
    for (const [session, lease] of others) {
      this.#noteImpossible(session, lease);
      if (lease.passId !== passId || lease.takenAt?.getTime() !== takenAt.getTime()) continue;
      const own = new HeldLease(this.#pass, session, lease);
      own.lastSentAt = this.#past(lease.lastSentAt);
      this.#held.add(own);
      held.set(session, own);
      others.delete(session);
      isSeenTooEarly ||= lease.takenOver === true || this.#wasReturnedSince(seenAt, lease);
    }
    return { held, others, isSeenTooEarly };
  }

  /** A time that lies ahead was none at which anything was sent: the pause counts from now. */
  #past(lastSentAt: Date | undefined): Date | undefined {
    return lastSentAt && earliest(lastSentAt, this.#pass.clock.now());
  }

  #noteImpossible(session: string, { isCut, lastSentAt }: SessionLease): void {
    const { clock, log, stats } = this.#pass;
    if (!isCut && !(lastSentAt && lastSentAt > addSeconds(clock.now(), FORESEEN_SECONDS))) return;
    const code = "time_impossible";
    stats.problem(code, 1, session);
    log.warn({ code, session }, "the lease of the session held a time that lies too far ahead");
  }

  #wasReturnedSince(moment: Date, { returnedAt }: SessionLease): boolean {
    return returnedAt instanceof Date && returnedAt.getTime() >= moment.getTime() - this.#pass.clock.errorMs;
  }

  /** Gives leases up: those that are to run out do so, the others are given back. */
  async giveUp(leases: HeldLease[]): Promise<void> {
    for (const lease of leases) {
      lease.close();
      this.#held.delete(lease);
    }
    const { db } = this.#pass;
    const { left = [], returned = [] } = Object.groupBy(leases, ({ isOver, runsOut }) =>
      runsOut || isOver ? "left" : "returned",
    );
    await Promise.all([returnLeases(db, returned), leaveLeases(db, left)]);
  }

  /** Renews nothing any more. */
  close(): void {
    clearInterval(this.#renewals);
    for (const lease of this.#held) lease.close();
  }

  /** Two tenures of a pass never have the same beginning. */
  #nextTenure(): Date {
    const now = this.#pass.clock.now();
    this.#lastTakenAt = now > this.#lastTakenAt ? now : addSeconds(this.#lastTakenAt, 0.001);
    return this.#lastTakenAt;
  }

  /** One that hangs holds up no other: each is guarded, and none shortens a lease. */
  async #renew(): Promise<void> {
    const leases = [...this.#held].filter(({ isOver, runsOut }) => !isOver && !runsOut);
    if (leases.length === 0) return;
    const { clock, db, lifetimes, log } = this.#pass;
    const sentAt = clock.now();
    try {
      const renewed = await renewLeases(db, leases, lifetimes.leaseMs);
      for (const lease of leases) {
        if (renewed.has(lease.session)) lease.renewed(sentAt);
        else if (this.#held.has(lease) && !lease.isLost) this.#lose(lease);
      }
    } catch (error) {
      log.warn({ error: describeError(error) }, "leases were not renewed");
    }
  }

  #lose(lease: HeldLease): void {
    const { log } = this.#pass;
    log.warn({ session: lease.session }, "a lease was lost: nothing more is sent on its session");
    lease.isLost = true;
    this.#onLost(lease);
  }
}
