import type { Config } from "../../config.ts";
import { UnavailableError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { type Database, openDatabase } from "../../mongo/client.ts";
import { findSuspensions, restrictedAmong } from "../../sessions/suspensions.ts";
import { readLastPass } from "../record.ts";
import type { PassReport } from "../report.ts";
import type { Entry } from "./alert.ts";
import { databaseIsAway, databaseIsBack, isToldAway, noteRemembered } from "./database-away.ts";
import { hasFindings, troubleOfDatabase } from "./detect.ts";
import { afterPost, evaluate } from "./evaluate.ts";
import { notificationOf } from "./notification.ts";
import { beat, postAlert } from "./post.ts";
import { changeAlerts } from "./store.ts";

/**
 * Tells people what a pass came to: the heartbeat after a good pass, and alerts where something began or is over.
 */
export async function tellOfPass(config: Config, log: Log, report: PassReport): Promise<void> {
  const { defective, recorded, unavailable } = report;
  const isGood = !defective && unavailable.length === 0;
  const work = [isGood ? beat(config, log) : undefined];
  if (recorded instanceof UnavailableError) work.push(databaseIsAway(config, log, recorded));
  else {
    if (!troubleOfDatabase(report)) work.push(databaseIsBack(config, log));
    work.push(updateAlerts(config, log, report));
  }
  await Promise.all(work);
}

/** Evaluates the alerts, and posts what is new. A pass with nothing new to tell makes no request. */
async function updateAlerts(config: Config, log: Log, report: PassReport): Promise<void> {
  const { recorded, summary } = report;
  noteRemembered(config, troubleOfDatabase(report) !== undefined);
  if (!recorded && !hasFindings(report)) return;
  const db = openDatabase(config);
  const now = new Date(summary.startedAt.getTime() + summary.durationMs);
  const [lastPass, resting] = await Promise.all([readLastPass(db), findSuspensions(db, now)]);
  const suspensions = [...resting, ...restrictedAmong(report.sessions?.values() ?? [], now)];
  const findings = { ...report, suspensions, gap: lastPass?.gap, isDatabaseTold: isToldAway(config) };
  const { toTell, wasImpossible } = await changeAlerts(db, (before) => evaluate(before, findings, now));
  if (wasImpossible)
    log.warn({ code: "time_impossible" }, "what is remembered of alerts held a time that lies too far ahead");
  const groups = Map.groupBy(toTell, ({ kind, state }) => `${kind} ${state}`);
  await Promise.all([...groups.values()].map((group) => tellTogether(config, log, db, group, now)));
}

/** Posts alerts of one kind in one notification, as dozens of sessions may go down together. */
async function tellTogether(
  config: Config,
  log: Log,
  db: Database,
  group: Entry[],
  now: Date,
): Promise<void> {
  const [first] = group;
  if (!first) return;
  const isTaken = await postAlert(config, log, notificationOf(first.kind, first.state, group, now));
  await changeAlerts(db, (before) => ({ document: afterPost(before, group, isTaken) }));
}
