import { addSeconds } from "../../clock.ts";
import { shownId } from "../../log.ts";
import type { ClaimedMessage } from "../../messages/transitions.ts";
import type { Id } from "../../mongo/ids.ts";
import type { Reason } from "../../problems.ts";
import type { SessionLease } from "../../sessions/leases.ts";
import { suspensionOf } from "../../sessions/suspensions.ts";
import type { WahaSession } from "../../waha/responses.ts";
import type { WahaSnapshot } from "../../waha/snapshot.ts";
import { lastStart, type Pass, stayUntil } from "../pass.ts";
import { ClaimsToReturn } from "./claims-to-return.ts";
import { HeldLeases } from "./held-leases.ts";
import { dueKey, startableSoon, type WorkerStatus } from "./plan.ts";
import { SessionWorker } from "./worker.ts";

/** With this many sessions in trouble the cause is not the sessions: the pass claims no more. */
const CIRCUIT_OPENS_AT = 3;

/** A session that this pass does not serve for now. */
interface Closed {
  /** Until then; undefined for as long as the pass lasts. */
  until: Date | undefined;
  /** Why its worker was stopped, if that is what closed it. */
  reason?: Reason;
  /** When the lease that another pass holds was to end as it was met first, and when that was. */
  met?: { expiresAt: Date | undefined; at: Date };
}

/** What taking leases came to. */
export interface Taking {
  /** A lease had run out, or was given back after the look began: what its pass had claimed comes first. */
  isSeenTooEarly: boolean;
  /** Sessions that must rest, and why. */
  suspended: Map<string, Reason>;
}

/** The sessions on which a pass sends, each with its worker; and those that it leaves alone for now. */
export class Workers {
  readonly claims: ClaimsToReturn;
  /** Some worker was stopped, or a message was given back that is not tried again: it is left. */
  leftSome = false;
  readonly #pass: Pass;
  readonly #onChange: () => void;
  readonly #leases: HeldLeases;
  readonly #workers = new Map<string, SessionWorker>();
  readonly #closed = new Map<string, Closed>();
  /** The sessions whose workers stopped for a reason that may lie outside the session. */
  readonly #inTrouble = new Set<string>();
  /** Messages that this pass does not claim again, by `dueKey`: a claim failed, or they went back while their session goes on. */
  readonly unclaimable = new Map<string, Id>();

  /** @param onChange called when a session could do with more, and when it has nothing left */
  constructor(pass: Pass, onChange: () => void) {
    this.#pass = pass;
    this.#onChange = onChange;
    this.claims = new ClaimsToReturn(pass);
    this.#leases = new HeldLeases(pass, onChange);
  }

  get active(): SessionWorker[] {
    return [...this.#workers.values()].filter(({ isActive }) => isActive);
  }

  /** The sessions that their workers have closed, and why. */
  get stopped(): Map<string, Reason> {
    return new Map([...this.#closed].flatMap(([session, { reason }]) => (reason ? [[session, reason]] : [])));
  }

  /** Too many sessions are in trouble. */
  get isCircuitOpen(): boolean {
    return this.#inTrouble.size >= CIRCUIT_OPENS_AT;
  }

  /** It may be given messages: no other pass sends on it, it does not rest, and no answer has stopped it. */
  isOpen(session: string): boolean {
    if (this.claims.holds(session)) return false;
    if (this.#workers.get(session)?.isDone) return false;
    const closed = this.#closed.get(session);
    return !closed || (closed.until !== undefined && this.#pass.clock.until(closed.until) <= 0);
  }

  has(session: string): boolean {
    return this.#workers.has(session);
  }

  statusOf(session: string): WorkerStatus {
    const { config, lifetimes } = this.#pass;
    const soon = { waitMs: 0, withinMs: lifetimes.aheadMs, msPerMessage: lifetimes.guessMs };
    const newcomer = { active: false, queued: 0, target: startableSoon(config, soon), served: 0 };
    return this.#workers.get(session)?.status ?? newcomer;
  }

  /**
   * When it is worth looking at a session again: its pause is nearly over, or the lease that another pass holds may have
   * ended. Undefined where nothing of the kind is to come.
   */
  openAgainAt(session: string): Date | undefined {
    const { clock, lifetimes } = this.#pass;
    const worker = this.#workers.get(session);
    if (worker && (worker.isActive || worker.isDone)) return undefined;
    const times = worker
      ? [addSeconds(worker.readyAt, -lifetimes.aheadMs / 1000), worker.readyAt]
      : [this.#closed.get(session)?.until];
    return times.find((time) => time && clock.until(time) > 0);
  }

  /** Until then a session's lease covers its claims. */
  coversUntil(session: string): Date {
    return this.#workers.get(session)?.lease.coversUntil ?? new Date(0);
  }

  /** Hands claimed messages to a session whose lease was taken; `seenAt` is when they were looked at. */
  give(session: string, messages: ClaimedMessage[], seenAt: Date): void {
    const { log } = this.#pass;
    for (const { _id, scheduledAt } of messages)
      log.debug({ messageId: shownId(_id), session, scheduledAt }, "claimed");
    this.#workers.get(session)?.give(messages, seenAt);
  }

  /** Takes the leases of sessions that are new to this pass. Those that are not free are closed for a while. */
  async take(newcomers: WahaSession[], { server }: WahaSnapshot, seenAt: Date): Promise<Taking> {
    const now = this.#pass.clock.now();
    const names = newcomers.map(({ name }) => name);
    const { held, others, isSeenTooEarly } = await this.#leases.take(names, seenAt);
    const suspended = new Map<string, Reason>();
    for (const session of newcomers) {
      const lease = held.get(session.name);
      const other = others.get(session.name);
      const rests = other && suspensionOf(other, now);
      if (lease) {
        const assigned = { session, server, lease };
        const worker = new SessionWorker(this.#pass, assigned, this.claims, {
          changed: () => this.#changed(worker),
          notAgain: (message) => {
            this.leftSome = true;
            this.unclaimable.set(dueKey(message), message._id);
          },
        });
        this.#workers.set(session.name, worker);
        this.#closed.delete(session.name);
      } else if (rests) {
        this.#closed.set(session.name, { until: undefined });
        suspended.set(session.name, rests);
      } else this.#meetForeign(session.name, other);
    }
    return { isSeenTooEarly, suspended };
  }

  /** Gives up the leases of sessions that send nothing, and that have nothing left to send or are not to send any more. */
  async dismissIdle(hasMore: (session: string) => boolean): Promise<void> {
    await this.#dismiss(({ isDone, session }) => isDone || !hasMore(session.name));
  }

  /** Closes the idle sessions whose pause outlasts this pass: their messages are left to the next one. */
  async closePausing(): Promise<void> {
    const end = lastStart(this.#pass);
    const isPausing = ({ isDone, readyAt }: SessionWorker) => !isDone && readyAt >= end;
    for (const worker of this.#workers.values())
      if (!worker.isActive && isPausing(worker)) this.#closed.set(worker.session.name, { until: undefined });
    await this.#dismiss(isPausing);
  }

  /** Forgets what stands against sessions and messages, as a new pass would. */
  startAfresh(): void {
    this.#inTrouble.clear();
    this.#closed.clear();
    this.unclaimable.clear();
  }

  /**
   * Resolves when nothing is under way any more.
   *
   * @throws what the first worker failed by, if one did, once all have ended
   */
  async finished(): Promise<void> {
    const ends = await Promise.allSettled([...this.#workers.values()].map((worker) => worker.finished()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  /** Gives up all leases: those behind which claims may stand run out. */
  async close(): Promise<void> {
    for (const { lease, session } of this.#workers.values())
      if (this.claims.holds(session.name)) lease.runsOut = true;
    const leases = [...this.#workers.values()].map(({ lease }) => lease);
    this.#leases.close();
    await this.#leases.giveUp(leases);
  }

  async #dismiss(isMeant: (worker: SessionWorker) => boolean): Promise<void> {
    const idle = [...this.#workers.values()].filter(
      (worker) => !worker.isActive && isMeant(worker) && !this.claims.holds(worker.session.name),
    );
    for (const { session } of idle) this.#workers.delete(session.name);
    if (idle.length > 0) await this.#leases.giveUp(idle.map(({ lease }) => lease));
  }

  #changed(worker: SessionWorker): void {
    this.leftSome ||= worker.isDone;
    const { closesSession, session, stopped } = worker;
    if (closesSession && stopped) this.#closed.set(session.name, { until: undefined, reason: stopped });
    if (worker.isInTrouble) this.#inTrouble.add(session.name);
    this.#onChange();
  }

  /**
   * Closes a session that another pass holds until the next look. A pass that does not stay waits until a renewal shows
   * that the holder lives, and no longer than a lease lasts: then what is due there is left to the holder.
   */
  #meetForeign(session: string, lease: SessionLease | undefined): void {
    const { clock, lifetimes } = this.#pass;
    const now = clock.now();
    const met = this.#closed.get(session)?.met ?? { expiresAt: lease?.expiresAt, at: now };
    const isRenewed = met.expiresAt?.getTime() !== lease?.expiresAt.getTime();
    const isOver = now >= addSeconds(met.at, (lifetimes.leaseMs + 2 * lifetimes.lookMs) / 1000);
    const waits = clock.until(stayUntil(this.#pass)) > 0 || !(isRenewed || isOver);
    this.#closed.set(session, { until: waits ? addSeconds(now, lifetimes.lookMs / 1000) : undefined, met });
  }
}
