import { createHash } from "node:crypto";
import { addSeconds } from "../../clock.ts";
import { shownId } from "../../log.ts";
import { noteBlocked } from "../../messages/blocked.ts";
import { type DueGroup, dueFilter, inTurn, surveyDue } from "../../messages/due.ts";
import { documentKey, type Id } from "../../mongo/ids.ts";
import { asReason, type Reason } from "../../problems.ts";
import { SUSPENSION_CODES } from "../../sessions/leases.ts";
import { type CampaignState, isGiven, type Route, routeAll, withoutHeld } from "../../sessions/routing.ts";
import { groupRestriction, restrictedAmong } from "../../sessions/suspensions.ts";
import type { WahaSnapshot } from "../../waha/snapshot.ts";
import { type Pass, settledBefore, windowNow } from "../pass.ts";
import type { DueMessage, SessionBacklog } from "./plan.ts";

/** How many of each group a look brings along: as many as one session may be given at once. */
const GROUP_SLICE = 200;

/** How many groups are noted behind one look. */
const NOTED_AT_ONCE = 5_000;

/** A group that can't be sent now, and why. */
export interface Blocked {
  group: DueGroup;
  reason: Reason;
}

/** The codes of sessions that rest. */
const OF_RESTS: ReadonlySet<string> = new Set(SUSPENSION_CODES);

/** With more particulars than this of one code they are left out, so that the requests stay few. */
const PARTICULARS = 20;

/** Groups by what is written on them: code and detail, or the code alone where there are too many details. */
function byReason(blocked: Blocked[]): [Reason, DueGroup[]][] {
  const byCode = Map.groupBy(blocked, ({ reason }) => reason.code);
  return [...byCode].flatMap(([code, ofCode]) => {
    const byDetail = Map.groupBy(ofCode, ({ reason }) => reason.detail);
    const particular = byDetail.size <= PARTICULARS ? byDetail : new Map([[undefined, ofCode]]);
    return [...particular].map(([detail, same]): [Reason, DueGroup[]] => [
      asReason({ code, detail }),
      same.map(({ group }) => group),
    ]);
  });
}

/** Finds what is due, by session, and notes behind it what can't be sent now. */
export class Backlog {
  readonly #pass: Pass;
  /** What keeps groups from being sent: counted, noted as well, or to be noted again, with what fell due since. */
  readonly #blocked = new Map<number, "counted" | "noted" | "again">();
  #toNote: (Blocked & { isCounted: boolean })[] = [];
  #isMoreToNote = false;
  /** Why nothing of any campaign can be sent. */
  #campaignsBlocked: Reason | undefined;

  constructor(pass: Pass) {
    this.#pass = pass;
  }

  /** Notes once more what still is so: what fell due since has no reason yet. */
  startAfresh(): void {
    for (const [key, state] of this.#blocked) if (state === "noted") this.#blocked.set(key, "again");
    this.#campaignsBlocked = undefined;
  }

  /** From now on nothing that names a campaign is taken for something that can be sent. */
  blockCampaigns(reason: Reason): void {
    this.#campaignsBlocked = reason;
  }

  /**
   * Looks at what is due, without taking any of it.
   *
   * @param options `settled`: what was settled since then is left out; `without`: so are the messages of these ids
   */
  async survey(
    { sessions }: WahaSnapshot,
    { settled = settledBefore(this.#pass), without = [] }: { settled?: Date; without?: Id[] } = {},
  ): Promise<SessionBacklog[]> {
    const { db, config } = this.#pass;
    const due = {
      ...dueFilter(windowNow(this.#pass), settled),
      ...(without.length > 0 ? { _id: { $nin: without } } : {}),
    };
    const backlogs = new Map<string, SessionBacklog>();
    const byChat = restrictedAmong(sessions.values(), this.#pass.clock.now()).length > 0;
    for await (const groups of surveyDue(db, due, GROUP_SLICE, { byChat })) {
      const routes = await routeAll(db, groups, sessions, config);
      this.block(this.#sort(groups, routes, backlogs));
    }
    for (const { next } of backlogs.values()) next.sort(inTurn);
    return [...backlogs.values()];
  }

  /** Adds groups to the backlogs of their sessions; gives those that can't be sent now. */
  #sort(groups: DueGroup[], routes: Route[], backlogs: Map<string, SessionBacklog>): Blocked[] {
    const blocked: Blocked[] = [];
    for (const [index, group] of groups.entries()) {
      const route = this.#routeOf(group, routes[index] as Route);
      if ("blocked" in route) blocked.push({ group, reason: route.blocked });
      else if (route.orphaned) this.#countOrphans(group);
      if (!("session" in route)) continue;
      const { session } = route;
      // They would be claimed only to be given back, before what is for groups.
      const waits = groupRestriction(group, route, this.#pass.clock.now());
      if (waits) {
        blocked.push({ group, reason: waits });
        continue;
      }
      const backlog = backlogs.get(session.name) ?? { session, count: 0, groups: [], next: [] };
      backlog.count += group.count;
      backlog.groups.push(group);
      backlog.next.push(...dueMessages(group, route.campaign));
      backlogs.set(session.name, backlog);
    }
    return blocked;
  }

  /** Counts the messages of groups that can't be sent now, each once. They are noted when {@link note} is called. */
  block(blocked: Blocked[]): void {
    const first = blocked.filter(({ group, reason }) => this.#markCounted(group, reason.code));
    for (const [reason, groups] of byReason(first)) this.#pass.stats.blocked(reason, countOf(groups));
    this.#queue(blocked);
  }

  /**
   * The same for what is left of sessions that were stopped. Some of it says so already, and is counted; {@link note}
   * counts the others as it writes on them. Of a session that does not rest what waits is counted at the end of the pass.
   */
  blockLeft(blocked: Blocked[]): void {
    for (const { group, reason } of blocked)
      if (!OF_RESTS.has(reason.code)) this.#markCounted(group, reason.code);
    this.#queue(blocked);
  }

  #queue(blocked: Blocked[]): void {
    for (const each of blocked) {
      const key = keyOf(each.group, each.reason.code);
      const state = this.#blocked.get(key);
      if (state === "noted") continue;
      if (this.#toNote.length < NOTED_AT_ONCE) {
        this.#blocked.set(key, "noted");
        this.#toNote.push({ ...each, isCounted: state === "counted" });
      } else this.#isMoreToNote = true;
    }
  }

  /** Marks the messages of a group as counted with this problem; returns whether they were not. */
  #markCounted(group: DueGroup, code: string): boolean {
    const key = keyOf(group, code);
    if (this.#blocked.has(key)) return false;
    this.#blocked.set(key, "counted");
    return true;
  }

  /**
   * Writes on the due messages of blocked groups why they can't be sent now: a bounded number, as each takes its time,
   * and what can be sent must not wait.
   *
   * @returns whether all are noted
   */
  async note(): Promise<boolean> {
    const isDone = !this.#isMoreToNote;
    this.#isMoreToNote = false;
    const { counted = [], again = [] } = Object.groupBy(this.#toNote.splice(0), ({ isCounted }) =>
      isCounted ? "counted" : "again",
    );
    await this.#write(counted);
    // What fell due since the groups were counted is counted as it is written on; the others say so already.
    for (const [reason, written] of await this.#write(again)) this.#pass.stats.blocked(reason, written);
    return isDone;
  }

  async #write(blocked: Blocked[]): Promise<[Reason, number][]> {
    const { clock, db, log } = this.#pass;
    const due = dueFilter(windowNow(this.#pass), settledBefore(this.#pass));
    const written: [Reason, number][] = [];
    for (const [reason, groups] of byReason(blocked)) {
      log.warn({ count: countOf(groups), ...reason }, "due, but can't be sent now");
      for (const { _id } of groups.flatMap(({ next }) => next))
        log.debug({ messageId: shownId(_id), ...reason }, "due, but can't be sent now");
      written.push([reason, await noteBlocked(db, due, groups, reason, clock.now())]);
    }
    return written;
  }

  #routeOf(group: DueGroup, route: Route): Route {
    const reason = isGiven(group.campaignId) ? this.#campaignsBlocked : undefined;
    return reason && "session" in route ? { orphaned: route.orphaned, blocked: reason } : route;
  }

  #countOrphans(group: DueGroup): void {
    const code = "campaign_not_found";
    if (this.#markCounted(group, code)) this.#pass.stats.problem(code, group.count);
  }
}

function countOf(groups: DueGroup[]): number {
  return groups.reduce((sum, { count }) => sum + count, 0);
}

/** A hash, as a number: the keys of some 100,000 groups would fill the heap. That two have the same costs a count or a note. */
function keyOf({ campaignId, isForPerson, isDeferred, sessionId }: DueGroup, code: string): number {
  const key = [documentKey(sessionId), documentKey(campaignId), isDeferred, isForPerson, code];
  return createHash("sha1").update(JSON.stringify(key)).digest().readUIntBE(0, 6);
}

/**
 * Writes on all due messages that nothing can be sent now, so that `missed` tells the real reason should their
 * window close; those of campaigns on hold are left alone.
 */
export async function noteOutage(pass: Pass, reason: Reason): Promise<void> {
  const { clock, config, db, log, stats } = pass;
  const due = dueFilter(windowNow(pass), settledBefore(pass));
  let first: Date | undefined;
  let count = 0;
  for await (const groups of surveyDue(db, due, GROUP_SLICE)) {
    const waiting = await withoutHeld(db, groups);
    count += countOf(waiting);
    for (const { next } of waiting) {
      const oldest = next[0]?.scheduledAt;
      if (oldest && (!first || oldest < first)) first = oldest;
    }
    await noteBlocked(db, due, waiting, reason, clock.now());
  }
  if (!first) return;
  stats.waits("waha", count);
  const firstWindowClosesAt = addSeconds(first, config.LOOKBACK_SECONDS);
  log.warn({ ...reason, count, firstWindowClosesAt }, "messages are due, and wait for WAHA");
}

function dueMessages(
  { sessionId, campaignId, isDeferred, next }: DueGroup,
  campaign: CampaignState | undefined,
): DueMessage[] {
  return next.map((message) => ({
    ...message,
    sessionId: sessionId ?? null,
    campaignId: campaignId ?? null,
    isDeferred,
    campaign,
  }));
}
