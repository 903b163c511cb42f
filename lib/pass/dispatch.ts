import { touchCampaigns } from "../campaigns.ts";
import type { Id, MessageDocument } from "../documents.ts";
import { returnLeases, takeLeases } from "../leases.ts";
import { noteBlocked } from "../messages/blocked.ts";
import { claim } from "../messages/claim.ts";
import { type DueGroup, dueFilter, surveyDue } from "../messages/due.ts";
import { releaseClaims, releaseEveryClaim } from "../messages/release.ts";
import { type Route, routeAll } from "../routing.ts";
import { maySend, type Pass, type Surroundings, windowNow } from "./context.ts";
import { assign, type ClaimPlan, leftOver, NEWCOMER, type Offer, planClaims, type Standing } from "./plan.ts";
import { SessionSender } from "./sender.ts";

/** How many of each group a look brings along: as many as one session may be given at once. */
const GROUP_SLICE = 200;

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
  /** Sessions on which another pass sends, or none may. */
  readonly #taken = new Set<string>();
  /** Groups whose problem was noted already. */
  readonly #noted = new Set<string>();
  /** Sessions of which the last look left something. */
  #unclaimed = new Set<string>();
  #mayHoldClaims = false;
  #wake = () => {};

  constructor(pass: Pass, around: Surroundings) {
    this.#pass = pass;
    this.#around = around;
  }

  async run(): Promise<void> {
    while (this.#mayClaim()) {
      const offers = await this.#look();
      const claimed = await this.#claim(offers);
      if (claimed === 0 && this.#active().length === 0) break;
      await this.#worthLooking();
    }
    this.#pass.tally.more ||= this.#unclaimed.size > 0;
  }

  async finish(): Promise<void> {
    const senders = [...this.#senders.values()];
    await Promise.all(senders.map((sender) => sender.finished()));
    if (this.#mayHoldClaims) await this.#releaseLeftovers();
    const returns = senders.map(({ session, lastSentAt, restricted }) => ({
      session: session.name,
      lastSentAt,
      restricted,
    }));
    await returnLeases(this.#pass.db, returns, this.#pass.id, this.#pass.clock.now());
  }

  /** Gives back what is still only claimed: what time did not allow, and what a lost reply hid. */
  async #releaseLeftovers(): Promise<void> {
    const { clock, db, id, sendUntil, tally } = this.#pass;
    const count = await releaseEveryClaim(db, id, sendUntil, clock.now(), { code: "out_of_time" });
    if (count === 0) return;
    tally.more = true;
    tally.add("released", count);
    tally.problem("out_of_time", count);
  }

  #mayClaim(): boolean {
    const troubled = [...this.#senders.values()].filter((sender) => sender.stopped);
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
      if (active.some((sender) => sender.low && this.#unclaimed.has(sender.session.name))) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** What is due, by session. What can't be sent now is noted on the way. */
  async #look(): Promise<Offer[]> {
    const { db, config, clock } = this.#pass;
    const due = dueFilter(windowNow(this.#pass), clock.startedAt);
    const groups = await surveyDue(db, due, GROUP_SLICE);
    const routes = await routeAll(db, groups, this.#around.sessions, config);
    const offers = new Map<string, Offer>();
    for (const [index, group] of groups.entries()) {
      const route = routes[index] as Route;
      await this.#noteProblems(group, route);
      if (!("session" in route) || this.#isClosed(route.session.name)) continue;
      const offer = offers.get(route.session.name) ?? { session: route.session, count: 0, next: [] };
      offer.count += group.count;
      const { sessionId, campaignId } = group;
      offer.next.push(
        ...group.next.map((message) => ({
          ...message,
          sessionId: sessionId ?? null,
          campaignId: campaignId ?? null,
        })),
      );
      offers.set(route.session.name, offer);
    }
    for (const offer of offers.values())
      offer.next.sort((a, b) => a.scheduledAt.getTime() - b.scheduledAt.getTime());
    return [...offers.values()];
  }

  #isClosed(session: string): boolean {
    return this.#senders.get(session)?.stopped !== undefined;
  }

  async #noteProblems(group: DueGroup, route: Route): Promise<void> {
    const key = JSON.stringify([group.sessionId, group.campaignId]);
    if (this.#noted.has(key)) return;
    const { tally, log, db, clock, id: passId } = this.#pass;
    if (route.orphaned) tally.problem("campaign_not_found", group.count);
    if (route.orphaned || "blocked" in route) this.#noted.add(key);
    if (!("blocked" in route)) return;
    const { campaignId, sessionId, count } = group;
    tally.problem(route.blocked.code, count, route.blocked.detail);
    log.warn({ passId, campaignId, sessionId, count, ...route.blocked }, "due, but can't be sent now");
    await noteBlocked(
      db,
      dueFilter(windowNow(this.#pass), clock.startedAt),
      group,
      route.blocked,
      clock.now(),
    );
  }

  /** Claims what the plan gives each session, and hands it over. Returns how many were claimed. */
  async #claim(offers: Offer[]): Promise<number> {
    const { config, db, id: passId, clock, sendUntil, tally } = this.#pass;
    const open = offers.filter((offer) => !this.#taken.has(offer.session.name));
    const freePlaces = Math.max(0, config.SESSION_CONCURRENCY - this.#active().length);
    const plan = planClaims(open, (session) => this.#standingOf(session), freePlaces);
    await this.#lease(open, plan);
    this.#unclaimed = leftOver(offers, plan);
    const ids = [...plan.values()].flat().map((message) => message._id);
    if (ids.length === 0) return 0;
    this.#mayHoldClaims = true;
    const mark = { passId, passStartedAt: clock.startedAt, now: clock.now(), expiresAt: sendUntil };
    const claimed = await claim(db, ids, windowNow(this.#pass), mark);
    tally.add("claimed", claimed.length);
    await this.#handOver(plan, claimed);
    return claimed.length;
  }

  /** Gives claimed messages to their sessions, their campaigns opened first. */
  async #handOver(plan: ClaimPlan, claimed: MessageDocument[]): Promise<void> {
    const { db, config, clock, id: passId, tally } = this.#pass;
    const { bySession, moved } = assign(plan, claimed);
    await touchCampaigns(db, campaignsOf(claimed), config);
    for (const [session, messages] of bySession) this.#senders.get(session)?.give(messages);
    if (moved.length === 0) return;
    const reason = { code: "message_changed" } as const;
    const ids = moved.map((message) => message._id);
    tally.add("released", await releaseClaims(db, ids, passId, clock.now(), reason));
    tally.problem(reason.code, moved.length);
  }

  #standingOf(session: string): Standing {
    return this.#senders.get(session)?.standing ?? NEWCOMER;
  }

  /** Takes the leases of the plan's newcomers; those that another pass holds drop out of the plan. */
  async #lease(offers: Offer[], plan: ClaimPlan): Promise<void> {
    const newcomers = offers
      .map((offer) => offer.session)
      .filter(({ name }) => plan.has(name) && !this.#senders.has(name));
    if (newcomers.length === 0) return;
    const { db, id: passId, clock, requestsUntil, tally } = this.#pass;
    const names = newcomers.map((session) => session.name);
    const leases = await takeLeases(db, names, passId, clock.now(), requestsUntil);
    for (const session of newcomers) {
      const lease = leases.get(session.name);
      if (lease?.passId === passId) {
        const sender = new SessionSender(this.#pass, session, this.#around.server, lease.lastSentAt, () =>
          this.#wake(),
        );
        this.#senders.set(session.name, sender);
        continue;
      }
      plan.delete(session.name);
      this.#taken.add(session.name);
      if (lease?.restrictedUntil && clock.until(lease.restrictedUntil) > 0)
        tally.problem("account_restricted", 1, session.name);
    }
  }
}

function campaignsOf(messages: MessageDocument[]): Set<Id> {
  return new Set(
    messages.map((message) => message.campaignId).filter((id) => id !== undefined && id !== null),
  );
}
