import { addSeconds, type SystemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { type DueGroup, dueFilter, surveyDue } from "../messages/due.ts";
import { findMisplaced, type Unmapped } from "../messages/unmapped.ts";
import { openDatabase } from "../mongo/client.ts";
import { asUnavailable } from "../mongo/errors.ts";
import type { Summary } from "../monitoring/report.ts";
import { routeAll } from "../sessions/routing.ts";
import { openWaha } from "../waha/client.ts";
import { snapshotMs } from "../waha/snapshot.ts";
import { tellMisplaced } from "./documents.ts";
import { type ForecastRow, foreseePass } from "./forecast.ts";
import { readClock } from "./run.ts";
import { PassStats } from "./stats.ts";

/** How long one request of the look for messages elsewhere may take, in milliseconds. */
const REQUEST_MS = 1_000;

/** What a pass would find now. */
export interface DryRun {
  dryRun: true;
  at: Date;
  /** Messages in the window that no pass has claimed. */
  due: number;
  /** Of these, how many have a session that works, by session; not looked into, nor at leases. */
  sendable: { session: string; due: number; oldest: Date | null }[];
  /** Of these, how many are left alone since their campaign is on hold. */
  onHold: number;
  /** What stands in the way of the others, and what else is wrong with the documents. */
  errors: Summary["errors"];
  /** What the pass would make of each message that it finds, by what becomes of it and why. */
  forecast: ForecastRow[];
}

/** How many messages that are due, and how many that are overdue, are looked at one by one. */
const MOST_FORESEEN = 5_000;

/** How long one request for them may take, in milliseconds. */
const FORECAST_MS = 10_000;

/**
 * Tells what is due, and changes nothing.
 *
 * @throws UnavailableError if the database or WAHA is away
 */
export async function dryRun(config: Config, hostClock: SystemClock): Promise<DryRun> {
  const db = openDatabase(config);
  const waha = openWaha(config);
  try {
    const [clock, sessions] = await Promise.all([
      readClock(db, hostClock, hostClock.monotonic()),
      waha.listSessions(snapshotMs(config)),
    ]);
    const window = { from: addSeconds(clock.startedAt, -config.LOOKBACK_SECONDS), to: clock.startedAt };
    const groups = (await Array.fromAsync(surveyDue(db, dueFilter(window, clock.startedAt), 1))).flat();
    const routes = await routeAll(db, groups, sessions, config);
    const forecast = await foreseePass(db, config, sessions, {
      now: clock.startedAt,
      most: MOST_FORESEEN,
      maxTimeMS: FORECAST_MS,
    });
    const misplaced =
      groups.length > 0
        ? []
        : await findMisplaced(db, clock.startedAt, config.LOOKBACK_SECONDS, { maxTimeMS: REQUEST_MS });
    return { ...describe(clock.startedAt, groups, routes, misplaced), forecast };
  } catch (error) {
    throw asUnavailable(error);
  } finally {
    await waha.close();
  }
}

type Groups = DueGroup[];
type Routes = Awaited<ReturnType<typeof routeAll>>;

function describe(at: Date, groups: Groups, routes: Routes, misplaced: Unmapped[]): Omit<DryRun, "forecast"> {
  const stats = new PassStats();
  for (const unmapped of misplaced) stats.problem("documents_not_found", 1, tellMisplaced(unmapped));
  const sendable = new Map<string, { session: string; due: number; oldest: Date | null }>();
  let due = 0;
  let onHold = 0;
  for (const [index, { count, next }] of groups.entries()) {
    const route = routes[index];
    due += count;
    if (!route) continue;
    if ("held" in route) onHold += count;
    if ("blocked" in route) stats.problem(route.blocked.code, count, route.blocked.detail);
    if (route.orphaned && !("blocked" in route)) stats.problem("campaign_not_found", count);
    if (!("session" in route)) continue;
    const entry = sendable.get(route.session.name) ?? { session: route.session.name, due: 0, oldest: null };
    const oldest = next[0]?.scheduledAt ?? null;
    entry.due += count;
    if (oldest && (!entry.oldest || oldest < entry.oldest)) entry.oldest = oldest;
    sendable.set(route.session.name, entry);
  }
  return {
    dryRun: true,
    at,
    due,
    sendable: [...sendable.values()],
    onHold,
    errors: stats.summary("", at, 0).errors,
  };
}
