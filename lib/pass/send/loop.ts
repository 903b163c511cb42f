import { claim, releaseClaims, releaseEveryClaim } from "../../messages/claims.ts";
import type { ClaimedMessage } from "../../messages/transitions.ts";
import { noteTurnedAway, openCampaigns } from "../housekeeping.ts";
import { countReleased, maySend, type Pass, windowNow } from "../pass.ts";
import type { Board } from "./board.ts";
import {
  assign,
  type ClaimPlan,
  type DueMessage,
  dueKey,
  leftOver,
  planClaims,
  type SessionBacklog,
  withoutMessages,
} from "./plan.ts";
import { Workers } from "./workers.ts";

/**
 * Claims what is due and sends it, sessions side by side, again and again while there is time and work.
 * When it returns, or throws, nothing of its own is under way any more.
 *
 * @param first what a look has just found
 */
export async function sendDue(pass: Pass, board: Board, first: SessionBacklog[]): Promise<void> {
  const dispatcher = new Dispatcher(pass, board);
  try {
    await dispatcher.run(first);
  } finally {
    await dispatcher.finish();
  }
}

class Dispatcher {
  readonly #pass: Pass;
  readonly #board: Board;
  readonly #senders: Workers;
  /** Sessions that could be given more: the last look left something of them. */
  #unclaimed = new Set<string>();
  /** The last look left something, be it another pass's to send. */
  #leftSome = false;
  #mayHoldClaims = false;
  #wake = () => {};

  constructor(pass: Pass, board: Board) {
    this.#pass = pass;
    this.#board = board;
    this.#senders = new Workers(pass, board, () => this.#wake());
  }

  async run(first: SessionBacklog[]): Promise<void> {
    this.#leftSome = first.length > 0;
    const { around, lookout } = this.#board;
    for (let offers = first; this.#mayClaim(); offers = await lookout.findOffers(this.#pass, around)) {
      const progress = await this.#claim(offers);
      if (progress) await this.#worthLooking();
      else if (this.#senders.active().length > 0) await this.#change();
      else break;
      // What falls due from now on the next turn finds.
      if (this.#board.stays && !this.#leftSome && this.#senders.active().length === 0) break;
    }
  }

  async finish(): Promise<void> {
    try {
      await this.#senders.finish();
    } finally {
      this.#pass.tally.more ||= this.#leftSome;
      if (this.#mayHoldClaims) await this.#releaseLeftovers();
    }
  }

  /** Gives back what is still only claimed: what time did not allow, and what a lost reply hid. */
  async #releaseLeftovers(): Promise<void> {
    const { clock, db, id, sendUntil, tally } = this.#pass;
    const reason = { code: "out_of_time" } as const;
    const { changed, refused } = await releaseEveryClaim(db, id, sendUntil, clock.now(), reason);
    noteTurnedAway(this.#pass, refused, "messages");
    if (changed === 0) return;
    tally.more = true;
    countReleased(this.#pass, reason, changed);
  }

  #mayClaim(): boolean {
    return maySend(this.#pass) && !this.#board.isHopeless;
  }

  /** How many more sessions may begin to send. */
  get #freePlaces(): number {
    return Math.max(0, this.#pass.config.SESSION_CONCURRENCY - this.#board.active.size);
  }

  /** Waits until another look may bring something: nobody sends any more, or somebody has room and there was more. */
  async #worthLooking(): Promise<void> {
    for (;;) {
      const active = this.#senders.active();
      if (active.length === 0) return;
      const waiting = [...this.#unclaimed].some(
        (session) => !active.some((sender) => sender.session.name === session),
      );
      if (waiting && this.#freePlaces > 0) return;
      // As long as sessions wait for a place, those that have one are given nothing.
      if (!waiting && active.some((sender) => sender.low && this.#unclaimed.has(sender.session.name))) return;
      await this.#change();
    }
  }

  /** Waits until some session could do with more, or has nothing left. */
  async #change(): Promise<void> {
    const changed = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    // Who stays has other turns, which may need the places: a change in itself.
    if (this.#board.stays && (await this.#senders.dismissIdle())) return;
    await changed;
  }

  /**
   * Claims what the plan gives each session, and hands it over.
   *
   * @returns whether another look may bring something: there was something to claim, or a session makes room
   */
  async #claim(offers: SessionBacklog[]): Promise<boolean> {
    const { db, id: passId, clock, sendUntil, tally } = this.#pass;
    const open = offers
      .filter((offer) => this.#senders.isOpen(offer.session.name))
      .map((offer) => withoutMessages(offer, this.#board.passedOver));
    const plan = planClaims(open, (session) => this.#senders.standingOf(session), this.#freePlaces);
    let dropped = await this.#senders.take(open, plan);
    for (const name of plan.keys()) {
      // Its pause lasts longer than this pass may send: what it has due is the next one's.
      if (this.#senders.standingOf(name).target > 0) continue;
      plan.delete(name);
      this.#senders.close(name);
      dropped = true;
    }
    this.#leftSome = leftOver(offers, plan).length > 0;
    // Whoever stays looks again once a session is free: also before this turn has ended.
    if (this.#board.stays) tally.more ||= this.#leftSome;
    this.#unclaimed = new Set(leftOver(open, plan).filter((session) => this.#senders.isOpen(session)));
    const planned = [...plan.values()].flat();
    const ids = planned.map((message) => message._id);
    if (ids.length === 0) return dropped;
    const now = clock.now();
    if (now >= sendUntil) {
      // A claim that has expired before it is made would only come back.
      this.#leftSome = true;
      return dropped;
    }
    this.#mayHoldClaims = true;
    const mark = { passId, passStartedAt: clock.startedAt, now, expiresAt: sendUntil };
    const { ours, refused } = await claim(db, ids, windowNow(this.#pass), mark);
    tally.add("claimed", ours.length);
    this.#passOver(planned, ours);
    if (refused > 0) tally.blocked({ code: "database_refused" }, refused);
    await this.#handOver(plan, ours);
    return true;
  }

  /** What could not be claimed is not tried again, so that it keeps nothing that is due after it from its turn. */
  #passOver(planned: DueMessage[], ours: ClaimedMessage[]): void {
    const claimed = new Set(ours.map(dueKey));
    for (const key of planned.map(dueKey)) if (!claimed.has(key)) this.#board.passedOver.add(key);
  }

  /** Gives claimed messages to their sessions, their campaigns opened first. */
  async #handOver(plan: ClaimPlan, claimed: ClaimedMessage[]): Promise<void> {
    const { db, clock, id: passId, tally } = this.#pass;
    const { bySession, moved } = assign(plan, claimed);
    await openCampaigns(this.#pass, claimed);
    for (const [session, messages] of bySession) this.#senders.give(session, messages);
    if (moved.length === 0) return;
    const reason = { code: "message_changed" } as const;
    const ids = moved.map((message) => message._id);
    const { changed } = await releaseClaims(db, ids, passId, clock.now(), reason);
    tally.released(reason, changed);
  }
}
