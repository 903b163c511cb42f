import { shownId } from "../../log.ts";
import { noteBlocked } from "../../messages/blocked.ts";
import { type DueGroup, dueFilter, oldestFirst, surveyDue } from "../../messages/due.ts";
import { documentKey, type Id } from "../../mongo/ids.ts";
import { asReason, type Reason } from "../../problems.ts";
import { type CampaignState, isGiven, type Route, routeAll, withoutHeld } from "../../sessions/routing.ts";
import type { WahaSnapshot } from "../../waha/snapshot.ts";
import { type Pass, settledBefore, windowNow } from "../pass.ts";
import type { DueMessage, SessionBacklog } from "./plan.ts";

/** How many of each group a look brings along: as many as one session may be given at once. */
const GROUP_SLICE = 200;

/** A group that can't be sent now, and why. */
export interface Blocked {
  group: DueGroup;
  reason: Reason;
}

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

/** Finds what is due, by session, and notes on the way what can't be sent now. */
export class Backlog {
  readonly #pass: Pass;
  /** The things that were noted. */
  readonly #noted = new Set<string>();
  /** Those whose messages the pass has counted. */
  readonly #counted = new Set<string>();
  /** Why nothing of any campaign can be sent. */
  #campaignsBlocked: Reason | undefined;

  constructor(pass: Pass) {
    this.#pass = pass;
  }

  /** Notes once more what still is so: what fell due since has no reason yet. */
  startAfresh(): void {
    this.#noted.clear();
    this.#campaignsBlocked = undefined;
  }

  /** From now on nothing that names a campaign is taken for something that can be sent. */
  blockCampaigns(reason: Reason): void {
    this.#campaignsBlocked = reason;
  }

  /**
   * Looks at what is due, without taking any of it.
   *
   * @param leftOut what was settled since `settled`, and the messages of these ids
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
    const groups = await surveyDue(db, due, GROUP_SLICE);
    const routes = await routeAll(db, groups, sessions, config);
    const backlogs = new Map<string, SessionBacklog>();
    const blocked: Blocked[] = [];
    for (const [index, group] of groups.entries()) {
      const route = this.#routeOf(group, routes[index] as Route);
      if ("blocked" in route) blocked.push({ group, reason: route.blocked });
      else if (route.orphaned) this.#countOrphans(group);
      if (!("session" in route)) continue;
      const { session } = route;
      const backlog = backlogs.get(session.name) ?? { session, count: 0, groups: [], next: [] };
      backlog.count += group.count;
      backlog.groups.push(group);
      backlog.next.push(...dueMessages(group, route.campaign));
      backlogs.set(session.name, backlog);
    }
    await this.noteBlocked(blocked);
    for (const { next } of backlogs.values()) next.sort(oldestFirst);
    return [...backlogs.values()];
  }

  /** Writes on the due messages of groups why they can't be sent now, and counts them; each message once. */
  async noteBlocked(blocked: Blocked[]): Promise<void> {
    const { clock, db, log, stats } = this.#pass;
    const due = dueFilter(windowNow(this.#pass), settledBefore(this.#pass));
    const fresh = blocked.filter(({ group, reason }) => isAdded(this.#noted, keyOf(group, reason.code)));
    for (const [reason, groups] of byReason(fresh)) {
      const count = countOf(groups);
      log.warn({ count, ...reason }, "due, but can't be sent now");
      for (const { _id } of groups.flatMap(({ next }) => next))
        log.debug({ messageId: shownId(_id), ...reason }, "due, but can't be sent now");
      const isNew = (group: DueGroup) => isAdded(this.#counted, keyOf(group, reason.code));
      const { first = [], again = [] } = Object.groupBy(groups, (group) =>
        isNew(group) ? "first" : "again",
      );
      stats.blocked(reason, countOf(first));
      await noteBlocked(db, due, first, reason, clock.now());
      // Those that were counted say so already.
      stats.blocked(reason, await noteBlocked(db, due, again, reason, clock.now()));
    }
  }

  #routeOf(group: DueGroup, route: Route): Route {
    const reason = isGiven(group.campaignId) ? this.#campaignsBlocked : undefined;
    return reason && "session" in route ? { orphaned: route.orphaned, blocked: reason } : route;
  }

  #countOrphans(group: DueGroup): void {
    const code = "campaign_not_found";
    if (isAdded(this.#counted, keyOf(group, code))) this.#pass.stats.problem(code, group.count);
  }
}

function countOf(groups: DueGroup[]): number {
  return groups.reduce((sum, { count }) => sum + count, 0);
}

/** Adds to a set; false if it was there already. */
function isAdded(set: Set<string>, key: string): boolean {
  return set.size < set.add(key).size;
}

function keyOf({ sessionId, campaignId }: DueGroup, code: string): string {
  return JSON.stringify([documentKey(sessionId), documentKey(campaignId), code]);
}

/**
 * Writes on all due messages that nothing can be sent now, so that `missed` tells the real reason should their
 * window close; those of campaigns on hold are left alone.
 */
export async function noteOutage(pass: Pass, reason: Reason): Promise<void> {
  const { clock, db } = pass;
  const due = dueFilter(windowNow(pass), settledBefore(pass));
  const groups = await surveyDue(db, due, GROUP_SLICE);
  await noteBlocked(db, due, await withoutHeld(db, groups), reason, clock.now());
}

function dueMessages(
  { sessionId, campaignId, next }: DueGroup,
  campaign: CampaignState | undefined,
): DueMessage[] {
  return next.map((message) => ({
    ...message,
    sessionId: sessionId ?? null,
    campaignId: campaignId ?? null,
    campaign,
  }));
}
