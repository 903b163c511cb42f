import { documentKey, idKey } from "../documents.ts";
import { noteBlocked } from "../messages/blocked.ts";
import { type DueGroup, dueFilter, surveyDue } from "../messages/due.ts";
import type { Reason } from "../messages/writes.ts";
import { findHeldCampaigns, type Route, routeAll } from "../routing.ts";
import { type Pass, type Surroundings, windowNow } from "./context.ts";
import type { DueMessage, Offer } from "./plan.ts";

/** How many of each group a look brings along: as many as one session may be given at once. */
const GROUP_SLICE = 200;

/** Finds what is due, by session, and notes on the way what can't be sent now; each such thing once a pass. */
export class Lookout {
  readonly #pass: Pass;
  readonly #around: Surroundings;
  readonly #noted = new Set<string>();

  constructor(pass: Pass, around: Surroundings) {
    this.#pass = pass;
    this.#around = around;
  }

  async findOffers(): Promise<Offer[]> {
    const { db, config, clock } = this.#pass;
    const groups = await surveyDue(db, dueFilter(windowNow(this.#pass), clock.startedAt), GROUP_SLICE);
    const routes = await routeAll(db, groups, this.#around.sessions, config);
    const offers = new Map<string, Offer>();
    for (const [index, group] of groups.entries()) {
      const route = routes[index] as Route;
      if (route.orphaned && !("blocked" in route)) this.#noteOrphans(group);
      if ("blocked" in route) await this.noteBlocked(group, route.blocked);
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
    for (const { next } of offers.values())
      next.sort((a, b) => a.scheduledAt.getTime() - b.scheduledAt.getTime());
    return [...offers.values()];
  }

  /** Writes on the due messages of a group why they can't be sent now, and counts them. */
  async noteBlocked(group: DueGroup, reason: Reason): Promise<void> {
    if (this.#wasNoted(group, reason.code)) return;
    const { clock, db, id: passId, log, tally } = this.#pass;
    const { campaignId, sessionId, count } = group;
    tally.blocked(reason, count);
    log.warn({ passId, campaignId, sessionId, count, ...reason }, "due, but can't be sent now");
    await noteBlocked(db, dueFilter(windowNow(this.#pass), clock.startedAt), group, reason, clock.now());
  }

  #noteOrphans(group: DueGroup): void {
    if (!this.#wasNoted(group, "campaign_not_found"))
      this.#pass.tally.problem("campaign_not_found", group.count);
  }

  #wasNoted({ sessionId, campaignId }: DueGroup, code: string): boolean {
    const key = JSON.stringify([documentKey(sessionId), documentKey(campaignId), code]);
    if (this.#noted.has(key)) return true;
    this.#noted.add(key);
    return false;
  }
}

/**
 * Writes on all due messages that nothing can be sent now, so that `missed` tells the real reason should their
 * window close; those of campaigns on hold are left alone.
 */
export async function noteOutage(pass: Pass, reason: Reason): Promise<void> {
  const { clock, config, db } = pass;
  const due = dueFilter(windowNow(pass), clock.startedAt);
  const groups = await surveyDue(db, due, 1);
  const held = await findHeldCampaigns(db, groups, config);
  for (const group of groups) {
    if (!held.has(idKey(group.campaignId ?? ""))) await noteBlocked(db, due, group, reason, clock.now());
  }
}

function dueMessages({ sessionId, campaignId, next }: DueGroup): DueMessage[] {
  // A list of dates would be found by a range, too; it is no time at which anything could be due.
  const dated = next.filter((message) => message.scheduledAt instanceof Date);
  return dated.map((message) => ({
    ...message,
    sessionId: sessionId ?? null,
    campaignId: campaignId ?? null,
  }));
}
