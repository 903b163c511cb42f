import { addSeconds } from "../../clock.ts";
import { shownId } from "../../log.ts";
import type { ClaimedMessage } from "../../messages/transitions.ts";
import { returnLeases, type SessionLease, takeLeases } from "../../sessions/leases.ts";
import type { WahaSession } from "../../waha/responses.ts";
import type { Pass } from "../pass.ts";
import type { Board } from "./board.ts";
import { type ClaimPlan, claimTarget, type SessionBacklog, type WorkerStatus } from "./plan.ts";
import { SessionWorker } from "./worker.ts";

/** The sessions on which a turn sends: each with its lease, and its sender. */
export class Workers {
  readonly #pass: Pass;
  readonly #board: Board;
  readonly #onChange: () => void;
  readonly #senders = new Map<string, SessionWorker>();
  /** Sessions on which another pass sends, or that this turn can't serve any more. */
  readonly #taken = new Set<string>();

  /** @param onChange called when a session could do with more, and when it has nothing left */
  constructor(pass: Pass, board: Board, onChange: () => void) {
    this.#pass = pass;
    this.#board = board;
    this.#onChange = onChange;
  }

  /** Hands claimed messages to a session whose lease was taken. */
  give(session: string, messages: ClaimedMessage[]): void {
    const { id: passId, log } = this.#pass;
    for (const { _id, scheduledAt } of messages)
      log.debug({ passId, messageId: shownId(_id), session, scheduledAt }, "claimed");
    this.#board.active.add(session);
    this.#senders.get(session)?.give(messages);
  }

  active(): SessionWorker[] {
    return [...this.#senders.values()].filter((sender) => sender.standing.active);
  }

  /** Nobody else sends on the session, and it is not in trouble. */
  isOpen(session: string): boolean {
    const sender = this.#senders.get(session);
    if (!sender && this.#board.leased.has(session)) return false;
    return !sender?.stopped && !this.#taken.has(session) && !this.#board.troubled.has(session);
  }

  standingOf(session: string): WorkerStatus {
    const newcomer = { active: false, queued: 0, target: claimTarget(this.#pass.config), turns: 0 };
    return this.#senders.get(session)?.standing ?? newcomer;
  }

  /** Serves a session no more in this turn. */
  close(session: string): void {
    this.#taken.add(session);
  }

  /**
   * Takes the leases of the plan's newcomers; sessions that are refused drop out of the plan.
   *
   * @returns whether any was refused
   */
  async take(offers: SessionBacklog[], plan: ClaimPlan): Promise<boolean> {
    const newcomers = offers.filter(
      ({ session }) => plan.has(session.name) && !this.#senders.has(session.name),
    );
    if (newcomers.length === 0) return false;
    const { db, id: passId, clock, stepsUntil } = this.#pass;
    const names = newcomers.map((offer) => offer.session.name);
    // Neither taken too early nor held too short, should the reading of the database's time have taken long.
    const error = clock.errorMs / 1000;
    const [now, until] = [addSeconds(clock.now(), -error), addSeconds(stepsUntil, error)];
    const leases = await takeLeases(db, names, passId, now, until);
    const refused = newcomers.filter(({ session }) => leases.get(session.name)?.passId !== passId);
    for (const { session } of newcomers) this.#welcome(session, leases.get(session.name));
    for (const offer of refused) await this.#turnAway(offer, plan, leases.get(offer.session.name));
    return refused.length > 0;
  }

  /**
   * Gives up the places and leases of sessions that have nothing left, so that another turn or pass can have them.
   *
   * @returns whether there were any
   */
  async dismissIdle(): Promise<boolean> {
    const idle = [...this.#senders.values()].filter((sender) => !sender.standing.active);
    if (idle.length === 0) return false;
    for (const { session } of idle) this.#senders.delete(session.name);
    await this.#return(idle);
    return true;
  }

  /** Resolves when nothing is under way any more, and the leases are given back. */
  async finish(): Promise<void> {
    const senders = [...this.#senders.values()];
    await Promise.all(senders.map((sender) => sender.finished()));
    await this.#return(senders);
  }

  async #return(senders: SessionWorker[]): Promise<void> {
    if (senders.length === 0) return;
    const returns = senders.map(({ session, lastSentAt }) => ({ session: session.name, lastSentAt }));
    // One that took its lease and gave it back at once, as its pause is long, is no news.
    const served = senders.some(({ standing }) => standing.turns > 0);
    try {
      await returnLeases(this.#pass.db, returns, this.#pass.id);
    } finally {
      for (const { session } of returns) this.#board.leased.delete(session);
      if (served) {
        this.#board.freed = true;
        this.#board.onFreed();
      }
    }
  }

  #welcome(session: WahaSession, lease: SessionLease | undefined): void {
    if (lease?.passId !== this.#pass.id) return;
    const { server } = this.#board.around;
    const onChange = () => {
      if (sender.inTrouble) this.#board.troubled.add(session.name);
      if (!sender.standing.active) this.#board.active.delete(session.name);
      this.#onChange();
    };
    const sender = new SessionWorker(this.#pass, session, server, lease.lastSentAt, onChange);
    this.#senders.set(session.name, sender);
    this.#board.leased.add(session.name);
  }

  async #turnAway(offer: SessionBacklog, plan: ClaimPlan, lease: SessionLease | undefined): Promise<void> {
    const { name } = offer.session;
    plan.delete(name);
    this.close(name);
    const { restrictedUntil } = lease ?? {};
    if (!restrictedUntil || this.#pass.clock.until(restrictedUntil) <= 0) return;
    const reason = { code: "account_restricted", detail: name } as const;
    await this.#board.lookout.noteBlocked(
      this.#pass,
      offer.groups.map((group) => ({ group, reason })),
    );
  }
}
