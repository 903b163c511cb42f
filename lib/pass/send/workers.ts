import { addSeconds } from "../../clock.ts";
import { describeError, shownId } from "../../log.ts";
import type { ClaimedMessage } from "../../messages/transitions.ts";
import {
  type Held,
  renewLeases,
  returnLeases,
  type SessionLease,
  takeLeases,
} from "../../sessions/leases.ts";
import type { WahaSession } from "../../waha/responses.ts";
import type { WahaSnapshot } from "../../waha/snapshot.ts";
import { lastStart, type Pass } from "../pass.ts";
import { startableSoon, type WorkerStatus } from "./plan.ts";
import { SessionWorker } from "./worker.ts";

/** With this many sessions in trouble the cause is not the sessions: the pass claims no more. */
const CIRCUIT_OPENS_AT = 3;

/** A session that this pass does not serve for now. */
interface Closed {
  /** Until then; undefined for as long as the pass lasts. */
  until: Date | undefined;
  /** The lease that another pass holds, as it was met first, and when that was. */
  met?: { expiresAt: Date | undefined; at: Date };
}

/** What taking leases came to. */
export interface Taking {
  /** A lease had run out: its pass may have left claims, which come first. */
  takenOver: boolean;
  /** Sessions whose account must rest. */
  restricted: WahaSession[];
}

/** The sessions on which a pass sends: each with its lease, which is renewed for as long as it is held, and its worker. */
export class Workers {
  readonly #pass: Pass;
  readonly #onChange: () => void;
  readonly #workers = new Map<string, SessionWorker>();
  readonly #closed = new Map<string, Closed>();
  readonly #suspended = new Set<string>();
  /** Some worker was stopped: what it had is left. */
  stoppedSome = false;
  /** Claims may be left that could not be given back. */
  mayHoldClaims = false;
  #renewing = false;
  readonly #renewals: NodeJS.Timeout;

  /** @param onChange called when a session could do with more, and when it has nothing left */
  constructor(pass: Pass, onChange: () => void) {
    this.#pass = pass;
    this.#onChange = onChange;
    this.#renewals = setInterval(() => void this.#renew(), pass.lifetimes.renewalMs);
  }

  get active(): SessionWorker[] {
    return [...this.#workers.values()].filter(({ status }) => status.active);
  }

  /** Too many sessions are in trouble. */
  get isCircuitOpen(): boolean {
    return this.#suspended.size >= CIRCUIT_OPENS_AT;
  }

  /** It may be given messages: no other pass sends on it, and it is neither stopped nor suspended. */
  isOpen(session: string): boolean {
    if (this.#suspended.has(session) || this.#workers.get(session)?.stopped) return false;
    const closed = this.#closed.get(session);
    return !closed || (closed.until !== undefined && this.#pass.clock.until(closed.until) <= 0);
  }

  has(session: string): boolean {
    return this.#workers.has(session);
  }

  statusOf(session: string): WorkerStatus {
    const { config, lifetimes } = this.#pass;
    const soon = { waitMs: 0, withinMs: lifetimes.aheadMs, msPerMessage: undefined };
    const newcomer = { active: false, queued: 0, target: startableSoon(config, soon), served: 0 };
    return this.#workers.get(session)?.status ?? newcomer;
  }

  /**
   * When it is worth looking at a session again: its pause is nearly over, or the lease that another pass holds has
   * been given back or has run out. Undefined where nothing of the kind is to come.
   */
  openAgainAt(session: string): Date | undefined {
    const { clock, lifetimes } = this.#pass;
    const worker = this.#workers.get(session);
    if (worker && (worker.status.active || worker.stopped)) return undefined;
    const at = worker
      ? addSeconds(worker.readyAt, -lifetimes.aheadMs / 1000)
      : this.#closed.get(session)?.until;
    return at && clock.until(at) > 0 ? at : undefined;
  }

  /** Until then a session's lease covers its claims. */
  coversUntil(session: string): Date {
    return this.#workers.get(session)?.lease.coversUntil ?? new Date(0);
  }

  /** Hands claimed messages to a session whose lease was taken. */
  give(session: string, messages: ClaimedMessage[]): void {
    const { log } = this.#pass;
    for (const { _id, scheduledAt } of messages)
      log.debug({ messageId: shownId(_id), session, scheduledAt }, "claimed");
    this.#workers.get(session)?.give(messages);
  }

  /** Takes the leases of sessions that are new to this pass. Those that are not free are closed for a while. */
  async take(newcomers: WahaSession[], { server }: WahaSnapshot): Promise<Taking> {
    const { clock, db, id: passId, lifetimes } = this.#pass;
    const at = clock.now();
    const error = clock.errorMs / 1000;
    const expiresAt = addSeconds(at, lifetimes.leaseMs / 1000 + error);
    const names = newcomers.map(({ name }) => name);
    // A lease that another pass holds is not free before it is surely over.
    const leases = await takeLeases(db, names, passId, addSeconds(at, -error), expiresAt);
    const taking: Taking = { takenOver: false, restricted: [] };
    for (const session of newcomers) {
      const lease = leases.get(session.name);
      const isOurs = lease?.passId === passId && lease.expiresAt.getTime() === expiresAt.getTime();
      if (isOurs) {
        const taken = { at, lastSentAt: lease.lastSentAt };
        const worker = new SessionWorker(this.#pass, session, server, taken, () => this.#changed(worker));
        this.#workers.set(session.name, worker);
        this.#closed.delete(session.name);
        taking.takenOver ||= lease.takenOver ?? false;
      } else if (isRestricted(lease, at)) {
        this.#closed.set(session.name, { until: undefined });
        taking.restricted.push(session);
      } else this.#meetForeign(session.name, lease);
    }
    return taking;
  }

  /** Gives back the leases of sessions that send nothing and have nothing left to send. */
  async dismissIdle(hasMore: (session: string) => boolean): Promise<void> {
    const idle = [...this.#workers.values()].filter(
      ({ session, status, stopped }) => !status.active && (stopped || !hasMore(session.name)),
    );
    await this.#dismiss(idle);
  }

  /** Serves no more the sessions whose pause outlasts this pass: what they have due is the next one's. */
  async closePausing(): Promise<void> {
    const end = lastStart(this.#pass);
    const pausing = [...this.#workers.values()].filter(
      ({ readyAt, status, stopped }) => !status.active && !stopped && readyAt >= end,
    );
    for (const { session } of pausing) this.#closed.set(session.name, { until: undefined });
    await this.#dismiss(pausing);
  }

  /** Forgets what stands against sessions, as a new pass would. */
  startAfresh(): void {
    this.#suspended.clear();
    this.#closed.clear();
  }

  /** Resolves when nothing is under way any more. */
  async finished(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.finished()));
  }

  /** Gives the leases back, or lets them run out. */
  async close({ giveBack }: { giveBack: boolean }): Promise<void> {
    clearInterval(this.#renewals);
    const workers = [...this.#workers.values()];
    for (const { lease } of workers) lease.close();
    if (giveBack) await this.#dismiss(workers);
  }

  /** A lease under which a POST may be under way, or a claim may be left, runs out. */
  async #dismiss(workers: SessionWorker[]): Promise<void> {
    for (const { lease, session } of workers) {
      lease.close();
      this.#workers.delete(session.name);
    }
    const free = workers.filter(({ hasOpenPost, mayHoldClaims }) => !hasOpenPost && !mayHoldClaims);
    await returnLeases(this.#pass.db, free.map(heldOf), this.#pass.id);
  }

  #changed(worker: SessionWorker): void {
    this.stoppedSome ||= worker.stopped !== undefined;
    this.mayHoldClaims ||= worker.mayHoldClaims;
    if (worker.isInTrouble) this.#suspended.add(worker.session.name);
    this.#onChange();
  }

  /**
   * Closes a session that another pass holds until the next look. A pass that does not stay waits until a renewal shows
   * that the holder lives, and no longer than a lease lasts: then what is due there is left to the holder.
   */
  #meetForeign(session: string, lease: SessionLease | undefined): void {
    const { clock, config, lifetimes } = this.#pass;
    const now = clock.now();
    const met = this.#closed.get(session)?.met ?? { expiresAt: lease?.expiresAt, at: now };
    const isRenewed = met.expiresAt?.getTime() !== lease?.expiresAt.getTime();
    const isOver = now >= addSeconds(met.at, (lifetimes.leaseMs + 2 * lifetimes.lookMs) / 1000);
    const waits = config.STAY_SECONDS > 0 || !(isRenewed || isOver);
    this.#closed.set(session, { until: waits ? addSeconds(now, lifetimes.lookMs / 1000) : undefined, met });
  }

  /** Renews the leases of all workers but those that are to run out. One renewal is under way at a time. */
  async #renew(): Promise<void> {
    const workers = [...this.#workers.values()].filter(isRenewed);
    if (this.#renewing || workers.length === 0) return;
    this.#renewing = true;
    const { clock, db, id: passId, lifetimes, log } = this.#pass;
    const sentAt = clock.now();
    const expiresAt = addSeconds(sentAt, (lifetimes.leaseMs + clock.errorMs) / 1000);
    try {
      const renewed = await renewLeases(db, workers.map(heldOf), passId, expiresAt);
      for (const worker of workers) {
        if (renewed.has(worker.session.name)) worker.lease.renewed(sentAt);
        else if (this.#workers.get(worker.session.name) === worker) this.#lose(worker);
      }
    } catch (error) {
      log.warn({ error: describeError(error) }, "leases were not renewed");
    } finally {
      this.#renewing = false;
    }
  }

  #lose(worker: SessionWorker): void {
    const { log } = this.#pass;
    log.warn({ session: worker.session.name }, "a lease was lost: nothing more is sent on its session");
    worker.loseLease();
    this.#onChange();
  }
}

const heldOf = ({ lastSentAt, session }: SessionWorker): Held => ({ session: session.name, lastSentAt });

/** Once a POST was cut off, the lease is to run out; but not while another is under way. */
const isRenewed = ({ hasOpenPost, status }: SessionWorker) => status.active || !hasOpenPost;

function isRestricted(lease: SessionLease | undefined, now: Date): boolean {
  return lease?.restrictedUntil !== undefined && lease.restrictedUntil > now;
}
