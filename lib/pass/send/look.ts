import { addSeconds, earliest } from "../../clock.ts";
import { claim, readClaimed } from "../../messages/claims.ts";
import { findNextDue } from "../../messages/due.ts";
import type { ClaimedMessage } from "../../messages/transitions.ts";
import type { Id } from "../../mongo/ids.ts";
import type { Reason } from "../../problems.ts";
import { type CampaignState, findCampaignStates, isGiven } from "../../sessions/routing.ts";
import type { WahaSnapshot } from "../../waha/snapshot.ts";
import { openCampaignsOf, rescue } from "../housekeeping.ts";
import { type Pass, settledBefore, windowNow } from "../pass.ts";
import { Backlog, type Blocked } from "./backlog.ts";
import {
  assign,
  type ClaimPlan,
  dueKey,
  leftOver,
  planClaims,
  type SessionBacklog,
  withoutMessages,
} from "./plan.ts";
import type { Workers } from "./workers.ts";

/** What a look came to. */
export interface Look {
  /** For how many messages a claim was tried. */
  tried: number;
  /** The sessions of which it left something due. */
  left: string[];
  /** Of these, those that may be given more: no other pass sends on them, and nothing keeps them from sending. */
  leftOpen: string[];
  /**
   * When to look again, whatever the workers do: at once where reasons are still to be noted; else, in a pass that stays,
   * when the next message falls due.
   */
  nextAt: Date | undefined;
}

/** What a claim came to. */
interface Claimed {
  ours: ClaimedMessage[];
  /** What their campaigns say since the claim, by key. */
  campaigns: Map<string, CampaignState>;
  /** Their campaigns are open: the database lets them be written. */
  areOpen: boolean;
  /** When the look began that led to the claim. */
  seenAt: Date;
}

/** How many of the messages that can't be claimed a survey leaves out, the latest ones. */
const MOST_LEFT_OUT = 1_000;

/** What is sent of a campaign must be counted in it. */
const CAMPAIGNS_REFUSED: Reason = { code: "database_refused", detail: "its campaign can't be written" };

export const NOTHING_SEEN: Look = { tried: 0, left: [], leftOpen: [], nextAt: undefined };

/** Looks at what is due and takes of it what can soon be sent: rescue, survey, plan, lease, claim, hand over. */
export class Looks {
  readonly #pass: Pass;
  readonly #workers: Workers;
  readonly #backlog: Backlog;
  /** The rescue that runs beside the first look. */
  #rescued: Promise<number | undefined> | undefined;

  constructor(pass: Pass, workers: Workers, rescued: Promise<number | undefined>) {
    this.#pass = pass;
    this.#workers = workers;
    this.#backlog = new Backlog(pass);
    this.#rescued = rescued;
  }

  /** Looks once, and hands what was claimed to the sessions' workers. */
  async look(snapshot: WahaSnapshot, { stays }: { stays: boolean }): Promise<Look> {
    await this.#workers.claims.retry();
    const from = this.#pass.clock.now();
    const [surveyed, nextDue] = await Promise.all([
      this.#survey(snapshot),
      stays ? findNextDue(this.#pass.db, from) : undefined,
    ]);
    const { backlogs, open, plan, seenAt } = await this.#planUnderLease(surveyed, snapshot, from);
    const tried = await this.#claim(plan, seenAt);
    // Of a long queue most was not claimed when its session was stopped.
    this.#backlog.blockLeft(blockedBy(this.#workers.stopped, backlogs));
    // Behind the claims: what can be sent does not wait for reasons on what can't.
    const isAllNoted = await this.#backlog.note();
    const leftOpen = leftOver(open, plan).filter((session) => this.#workers.isOpen(session));
    const nextAt = isAllNoted ? nextDue : this.#pass.clock.now();
    return { tried, left: leftOver(backlogs, plan), leftOpen, nextAt };
  }

  /** Whether anything is due, also what was only just given back. */
  async isSomethingLeft(snapshot: WahaSnapshot): Promise<boolean> {
    const left = await this.#backlog.survey(snapshot, { settled: this.#pass.clock.now() });
    await this.#backlog.note();
    return left.length > 0;
  }

  /** Writes on what is left of sessions that were stopped why, where nothing is claimed any more. */
  async noteStopped(snapshot: WahaSnapshot): Promise<void> {
    const left = await this.#backlog.survey(snapshot);
    this.#backlog.blockLeft(blockedBy(this.#workers.stopped, left));
    await this.#backlog.note();
  }

  /** Tries, and tells, everything once more, as a new pass would. */
  startAfresh(): void {
    this.#backlog.startAfresh();
  }

  /** Expired claims are given back beside the survey; only where there were any a second one follows. */
  async #survey(snapshot: WahaSnapshot): Promise<SessionBacklog[]> {
    const rescued = this.#rescued ?? rescue(this.#pass);
    this.#rescued = undefined;
    const [found, count = 0] = await Promise.all([this.#backlog.survey(snapshot), rescued]);
    const backlogs = count > 0 ? await this.#backlog.survey(snapshot) : found;
    return this.#isHidden(backlogs)
      ? this.#backlog.survey(snapshot, { without: this.#unclaimableIds })
      : backlogs;
  }

  /** Whether messages that can't be claimed fill a session's part of the survey, and hide due ones after them. */
  #isHidden(backlogs: SessionBacklog[]): boolean {
    return backlogs.some((backlog) => {
      const { count, next } = withoutMessages(backlog, this.#workers.unclaimable);
      return next.length === 0 && count > 0;
    });
  }

  get #unclaimableIds(): Id[] {
    return [...this.#workers.unclaimable.values()].slice(-MOST_LEFT_OUT);
  }

  /** Plans, and takes the leases of the plan's newcomers, until all that is planned for is under a lease. */
  async #planUnderLease(surveyed: SessionBacklog[], snapshot: WahaSnapshot, surveyedAt: Date) {
    const { clock, config } = this.#pass;
    let backlogs = surveyed;
    let seenAt = surveyedAt;
    for (;;) {
      const open = backlogs
        .filter(({ session }) => this.#workers.isOpen(session.name))
        .map((backlog) => withoutMessages(backlog, this.#workers.unclaimable));
      const freePlaces = Math.max(0, config.SESSION_CONCURRENCY - this.#workers.active.length);
      const plan = planClaims(open, (session) => this.#workers.statusOf(session), freePlaces);
      const newcomers = open.filter(
        ({ session }) => plan.has(session.name) && !this.#workers.has(session.name),
      );
      if (newcomers.length === 0) {
        await this.#workers.closePausing();
        return { backlogs, open, plan, seenAt };
      }
      const sessions = newcomers.map(({ session }) => session);
      const { isSeenTooEarly, suspended } = await this.#workers.take(sessions, snapshot, seenAt);
      this.#backlog.block(blockedBy(suspended, newcomers));
      // What the pass that held the lease had claimed comes first.
      if (isSeenTooEarly) {
        await rescue(this.#pass);
        seenAt = clock.now();
        backlogs = await this.#backlog.survey(snapshot);
      }
    }
  }

  /** Claims what is planned, and hands it over; returns for how many messages it tried. */
  async #claim(plan: ClaimPlan, seenAt: Date): Promise<number> {
    const { clock, db, id: passId, stats } = this.#pass;
    const planned = [...plan.values()].flat();
    const sessions = [...plan.keys()];
    const now = clock.now();
    const expiresAt = this.#claimEnd(sessions);
    if (planned.length === 0 || expiresAt <= now) return 0;
    const ids = planned.map((message) => message._id);
    // Should anything fail before they are handed over, these go back before the next look.
    const unseen = { sessions, ids, reason: { code: "database_lost" } as const, claimedAt: now };
    this.#workers.claims.expect(unseen);
    const mark = { passId, settledBefore: settledBefore(this.#pass), now, expiresAt };
    // Campaigns are opened before any of their messages settles. One of which nothing was claimed is just counted once more.
    const [claiming, opening] = await Promise.allSettled([
      claim(db, ids, windowNow(this.#pass), mark),
      openCampaignsOf(this.#pass, planned),
    ]);
    // Read behind the claim: a POST carries the chat, and goes out by the campaign, as at its claim.
    const [ours, campaigns] = await Promise.all([
      readClaimed(db, ids, mark),
      findCampaignStates(db, planned),
    ]);
    const isCertain = claiming.status === "fulfilled";
    if (!isCertain && ours.length === 0) throw claiming.reason;
    stats.add("claimed", ours.length);
    if (opening.status === "rejected") throw opening.reason;
    if (isCertain && claiming.value.rejected > 0)
      stats.blocked({ code: "database_refused" }, claiming.value.rejected);
    await this.#handOver(plan, { ours, campaigns, areOpen: opening.value, seenAt });
    this.#workers.claims.seen(unseen, isCertain ? ids : ours.map((message) => message._id));
    // What could not be claimed is not tried again, so that it keeps nothing that is due after it waiting.
    const claimed = new Set(ours.map(dueKey));
    for (const due of planned)
      if (!claimed.has(dueKey(due))) this.#workers.unclaimable.set(dueKey(due), due._id);
    return planned.length;
  }

  /** Claims end with what covers them: their leases, and the time to send. */
  #claimEnd(sessions: string[]): Date {
    const { clock, lifetimes, sendUntil } = this.#pass;
    const covered = sessions.map((session) => this.#workers.coversUntil(session));
    return earliest(addSeconds(clock.now(), lifetimes.claimMs / 1000), sendUntil, ...covered);
  }

  /** Gives claimed messages to their sessions. */
  async #handOver(plan: ClaimPlan, { areOpen, campaigns, ours, seenAt }: Claimed): Promise<void> {
    const { bySession, moved } = assign(plan, ours, campaigns);
    if (!areOpen) this.#backlog.blockCampaigns(CAMPAIGNS_REFUSED);
    const uncounted: ClaimedMessage[] = [];
    for (const [session, messages] of bySession) {
      const { kept = [], given = [] } = Object.groupBy(messages, ({ campaignId }) =>
        areOpen || !isGiven(campaignId) ? "given" : "kept",
      );
      uncounted.push(...kept);
      if (given.length > 0) this.#workers.give(session, given, seenAt);
    }
    await this.#leave(moved, { code: "message_changed" });
    await this.#leave(uncounted, CAMPAIGNS_REFUSED);
  }

  /** Gives claimed messages back, which this pass is not to claim again. */
  async #leave(messages: ClaimedMessage[], reason: Reason): Promise<void> {
    for (const message of messages) this.#workers.unclaimable.set(dueKey(message), message._id);
    const ids = messages.map((message) => message._id);
    await this.#workers.claims.giveBack({ sessions: [], ids, reason });
  }
}

/** The groups of those sessions that something keeps from sending, by session. */
function blockedBy(reasons: Map<string, Reason>, backlogs: SessionBacklog[]): Blocked[] {
  return backlogs.flatMap(({ groups, session }) => {
    const reason = reasons.get(session.name);
    return reason ? groups.map((group) => ({ group, reason })) : [];
  });
}
