import { shownId } from "../../log.ts";
import { noteBlocked } from "../../messages/blocked.ts";
import { type DueGroup, dueFilter, oldestFirst, surveyDue } from "../../messages/due.ts";
import { documentKey, idKey } from "../../mongo/ids.ts";
import { asReason, type Reason } from "../../problems.ts";
import { findHeldCampaigns, type Route, routeAll } from "../../sessions/routing.ts";
import type { WahaSnapshot } from "../../waha/snapshot.ts";
import { type Pass, windowNow } from "../pass.ts";
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
export class Lookout {
  /** The things that were noted. */
  readonly #noted = new Set<string>();
  /** Those whose messages the pass has counted. */
  readonly #counted = new Set<string>();

  /** Notes once more what still is so: what fell due since has no reason yet. */
  startAfresh(): void {
    this.#noted.clear();
  }

  async findOffers(pass: Pass, around: WahaSnapshot): Promise<SessionBacklog[]> {
    const { db, config, clock } = pass;
    const groups = await surveyDue(db, dueFilter(windowNow(pass), clock.startedAt), GROUP_SLICE);
    const routes = await routeAll(db, groups, around.sessions, config);
    const offers = new Map<string, SessionBacklog>();
    const blocked: Blocked[] = [];
    for (const [index, group] of groups.entries()) {
      const route = routes[index] as Route;
      if ("blocked" in route) blocked.push({ group, reason: route.blocked });
      else if (route.orphaned) this.#noteOrphans(pass, group);
      if (!("session" in route)) continue;
      const offer = offers.get(route.session.name) ?? {
        session: route.session,
        count: 0,
        groups: [],
        next: [],
      };
      offer.count += group.count;
      offer.groups.push(group);
      offer.next.push(...dueMessages(group));
      offers.set(route.session.name, offer);
    }
    await this.noteBlocked(pass, blocked);
    for (const { next } of offers.values()) next.sort(oldestFirst);
    return [...offers.values()];
  }

  /** Writes on the due messages of groups why they can't be sent now, and counts them; each message once. */
  async noteBlocked(pass: Pass, blocked: Blocked[]): Promise<void> {
    const { clock, db, id: passId, log, tally } = pass;
    const due = dueFilter(windowNow(pass), clock.startedAt);
    const fresh = blocked.filter(({ group, reason }) => isAdded(this.#noted, keyOf(group, reason.code)));
    for (const [reason, groups] of byReason(fresh)) {
      const count = countOf(groups);
      log.warn({ passId, count, ...reason }, "due, but can't be sent now");
      for (const { _id } of groups.flatMap(({ next }) => next))
        log.debug({ passId, messageId: shownId(_id), ...reason }, "due, but can't be sent now");
      const isNew = (group: DueGroup) => isAdded(this.#counted, keyOf(group, reason.code));
      const { first = [], again = [] } = Object.groupBy(groups, (group) =>
        isNew(group) ? "first" : "again",
      );
      tally.blocked(reason, countOf(first));
      await noteBlocked(db, due, first, reason, clock.now());
      // Those that were counted say so already.
      tally.blocked(reason, await noteBlocked(db, due, again, reason, clock.now()));
    }
  }

  #noteOrphans({ tally }: Pass, group: DueGroup): void {
    const code = "campaign_not_found";
    if (isAdded(this.#counted, keyOf(group, code))) tally.problem(code, group.count);
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
  const { clock, config, db } = pass;
  const due = dueFilter(windowNow(pass), clock.startedAt);
  const groups = await surveyDue(db, due, GROUP_SLICE);
  const held = await findHeldCampaigns(db, groups, config);
  const waiting = groups.filter((group) => !held.has(idKey(group.campaignId ?? "")));
  await noteBlocked(db, due, waiting, reason, clock.now());
}

function dueMessages({ sessionId, campaignId, next }: DueGroup): DueMessage[] {
  return next.map((message) => ({
    ...message,
    sessionId: sessionId ?? null,
    campaignId: campaignId ?? null,
  }));
}
