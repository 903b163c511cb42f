import { documentKey, type Id } from "../documents.ts";
import { returnLeases, type SessionLease, takeLeases } from "../leases.ts";
import { claim } from "../messages/claim.ts";
import { releaseClaims, releaseEveryClaim } from "../messages/release.ts";
import type { ClaimedMessage } from "../messages/writes.ts";
import type { WahaSession } from "../waha/answers.ts";
import { maySend, type Pass, type Surroundings, windowNow } from "./context.ts";
import { Lookout } from "./offers.ts";
import { openCampaigns } from "./open-campaigns.ts";
import {
  assign,
  type ClaimPlan,
  claimTarget,
  leftOver,
  type Offer,
  planClaims,
  type Standing,
  withoutMessages,
} from "./plan.ts";
import { SessionSender } from "./sender.ts";

/** After so many sessions in trouble it is not the sessions: the pass claims no more. */
const TROUBLED_SESSIONS = 3;

/**
 * Claims what is due and sends it, sessions side by side, again and again while there is time and work.
 * When it returns, or throws, nothing of its own is under way any more.
 */
export async function sendDue(pass: Pass, around: Surroundings): Promise<void> {
  const dispatcher = new Dispatcher(pass, around);
  try {
    await dispatcher.run();
  } finally {
    await dispatcher.finish();
  }
}

class Dispatcher {
  readonly #pass: Pass;
  readonly #around: Surroundings;
  readonly #senders = new Map<string, SessionSender>();
  /** Sessions on which another pass sends, or that this one can't serve any more. */
  readonly #taken = new Set<string>();
  readonly #lookout: Lookout;
  /** Sessions that could be given more: the last look left something of them. */
  #unclaimed = new Set<string>();
  /** Messages, by `documentKey`, that were to be claimed and could not be: somebody was faster, or they are odd. */
  readonly #passedOver = new Set<string>();
  /** The last look left something, be it another pass's to send. */
  #leftSome = false;
  #mayHoldClaims = false;
  #wake = () => {};

  constructor(pass: Pass, around: Surroundings) {
    this.#pass = pass;
    this.#around = around;
    this.#lookout = new Lookout(pass, around);
  }

  async run(): Promise<void> {
    while (this.#mayClaim()) {
      const progress = await this.#claim(await this.#lookout.findOffers());
      if (progress) await this.#worthLooking();
      else if (this.#active().length > 0) await this.#change();
      else break;
    }
  }

  async finish(): Promise<void> {
    const senders = [...this.#senders.values()];
    await Promise.all(senders.map((sender) => sender.finished()));
    this.#pass.tally.more ||= this.#leftSome;
    if (this.#mayHoldClaims) await this.#releaseLeftovers();
    const returns = senders.map(({ session, lastSentAt }) => ({ session: session.name, lastSentAt }));
    await returnLeases(this.#pass.db, returns, this.#pass.id);
  }

  /** Gives back what is still only claimed: what time did not allow, and what a lost reply hid. */
  async #releaseLeftovers(): Promise<void> {
    const { clock, db, id, sendUntil, tally } = this.#pass;
    const count = await releaseEveryClaim(db, id, sendUntil, clock.now(), { code: "out_of_time" });
    if (count === 0) return;
    tally.more = true;
    tally.released({ code: "out_of_time" }, count);
  }

  #mayClaim(): boolean {
    const troubled = [...this.#senders.values()].filter((sender) => sender.inTrouble);
    return maySend(this.#pass) && troubled.length < TROUBLED_SESSIONS;
  }

  #active(): SessionSender[] {
    return [...this.#senders.values()].filter((sender) => sender.standing.active);
  }

  /** Waits until another look may bring something: nobody sends any more, or somebody has room and there was more. */
  async #worthLooking(): Promise<void> {
    for (;;) {
      const active = this.#active();
      if (active.length === 0) return;
      const waiting = [...this.#unclaimed].some(
        (session) => !active.some((sender) => sender.session.name === session),
      );
      if (waiting && active.length < this.#pass.config.SESSION_CONCURRENCY) return;
      // As long as sessions wait for a place, those that have one are given nothing.
      if (!waiting && active.some((sender) => sender.low && this.#unclaimed.has(sender.session.name))) return;
      await this.#change();
    }
  }

  /** Waits until some session could do with more, or has nothing left. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /**
   * Claims what the plan gives each session, and hands it over.
   *
   * @returns whether another look may bring something: there was something to claim, or a session makes room
   */
  async #claim(offers: Offer[]): Promise<boolean> {
    const { config, db, id: passId, clock, sendUntil, tally } = this.#pass;
    const open = offers
      .filter((offer) => this.#isOpen(offer.session.name))
      .map((offer) => withoutMessages(offer, this.#passedOver));
    const freePlaces = Math.max(0, config.SESSION_CONCURRENCY - this.#active().length);
    const plan = planClaims(open, (session) => this.#standingOf(session), freePlaces);
    let dropped = await this.#lease(open, plan);
    for (const name of plan.keys()) {
      // Its pause lasts longer than this pass may send: what it has due is the next one's.
      if (this.#standingOf(name).target > 0) continue;
      plan.delete(name);
      this.#taken.add(name);
      dropped = true;
    }
    this.#leftSome = leftOver(offers, plan).length > 0;
    this.#unclaimed = new Set(leftOver(open, plan).filter((session) => this.#isOpen(session)));
    const ids = [...plan.values()].flat().map((message) => message._id);
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
    this.#passOver(ids, ours);
    if (refused > 0) tally.blocked({ code: "database_refused" }, refused);
    await this.#handOver(plan, ours);
    return true;
  }

  /** What could not be claimed is not tried again, so that it keeps nothing that is due after it from its turn. */
  #passOver(ids: Id[], ours: ClaimedMessage[]): void {
    const claimed = new Set(ours.map((message) => documentKey(message._id)));
    for (const key of ids.map(documentKey)) if (!claimed.has(key)) this.#passedOver.add(key);
  }

  /** Nobody else sends on the session, and it is not in trouble. */
  #isOpen(session: string): boolean {
    return !this.#taken.has(session) && this.#senders.get(session)?.stopped === undefined;
  }

  /** Gives claimed messages to their sessions, their campaigns opened first. */
  async #handOver(plan: ClaimPlan, claimed: ClaimedMessage[]): Promise<void> {
    const { db, clock, id: passId, tally } = this.#pass;
    const { bySession, moved } = assign(plan, claimed);
    await openCampaigns(this.#pass, claimed);
    for (const [session, messages] of bySession) this.#senders.get(session)?.give(messages);
    if (moved.length === 0) return;
    const reason = { code: "message_changed" } as const;
    const ids = moved.map((message) => message._id);
    tally.released(reason, await releaseClaims(db, ids, passId, clock.now(), reason));
  }

  #standingOf(session: string): Standing {
    const newcomer = { active: false, queued: 0, target: claimTarget(this.#pass.config), turns: 0 };
    return this.#senders.get(session)?.standing ?? newcomer;
  }

  /**
   * Takes the leases of the plan's newcomers; sessions that are refused drop out of the plan.
   *
   * @returns whether any was refused
   */
  async #lease(offers: Offer[], plan: ClaimPlan): Promise<boolean> {
    const newcomers = offers.filter(
      ({ session }) => plan.has(session.name) && !this.#senders.has(session.name),
    );
    if (newcomers.length === 0) return false;
    const { db, id: passId, clock, requestsUntil } = this.#pass;
    const names = newcomers.map((offer) => offer.session.name);
    const leases = await takeLeases(db, names, passId, clock.now(), requestsUntil);
    const refused = newcomers.filter(({ session }) => leases.get(session.name)?.passId !== passId);
    for (const { session } of newcomers) this.#welcome(session, leases.get(session.name));
    for (const offer of refused) await this.#turnAway(offer, plan, leases.get(offer.session.name));
    return refused.length > 0;
  }

  #welcome(session: WahaSession, lease: SessionLease | undefined): void {
    if (lease?.passId !== this.#pass.id) return;
    const { server } = this.#around;
    const sender = new SessionSender(this.#pass, session, server, lease.lastSentAt, () => this.#wake());
    this.#senders.set(session.name, sender);
  }

  async #turnAway(offer: Offer, plan: ClaimPlan, lease: SessionLease | undefined): Promise<void> {
    const { name } = offer.session;
    plan.delete(name);
    this.#taken.add(name);
    const { restrictedUntil } = lease ?? {};
    if (!restrictedUntil || this.#pass.clock.until(restrictedUntil) <= 0) return;
    const reason = { code: "account_restricted", detail: name } as const;
    await this.#lookout.noteBlocked(offer.groups.map((group) => ({ group, reason })));
  }
}
