import type { Config } from "../config.ts";
import { type Database, openDatabase } from "../db.ts";
import { UnavailableError } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import { type LastPass, readLastPass } from "../pass/last-pass.ts";
import type { PassResult } from "../pass/run.ts";
import { PROBLEMS } from "../problems.ts";
import { databaseIsAway, databaseIsBack } from "./database-away.ts";
import { judge } from "./judge.ts";
import { beat, postAlert } from "./post.ts";
import {
  type Alert,
  type AlertKind,
  clearAlert,
  isSame,
  noteUntold,
  putBack,
  raiseAlert,
  readAlerts,
  rememberWorking,
  renewAlert,
} from "./state.ts";
import { type AlertState, notificationOf } from "./words.ts";

/**
 * Tells whom it concerns what a pass came to: the heartbeat after a good one, and alerts where something began or is
 * over. Never rejects: whatever goes wrong here is a line in the log.
 */
export async function tellOfPass(config: Config, log: Log, result: PassResult): Promise<void> {
  const work = [result.unavailable ? undefined : beat(config, log)];
  if (result.recorded instanceof UnavailableError) work.push(databaseIsAway(config, log, result.recorded));
  else work.push(databaseIsBack(config, log), lookAtAlerts(config, log, result));
  try {
    await Promise.all(work);
  } catch (error) {
    log.warn(
      { passId: result.summary.passId, error: describeError(error) },
      "the alerts could not be seen to",
    );
  }
}

/** Reads what is remembered of alerts only if there may be news: a pass like the one before needs no request. */
async function lookAtAlerts(config: Config, log: Log, result: PassResult): Promise<void> {
  const db = openDatabase(config);
  const { recorded, summary, unavailable } = result;
  const { failed, missed, unknown } = summary;
  if (!recorded && !unavailable && failed + missed + unknown === 0) return;
  const [document, lastPass] = await Promise.all([readAlerts(db), readLastPass(db)]);
  const now = new Date(summary.startedAt.getTime() + summary.durationMs);
  const { present, over, working } = judge(document, result, now);
  const [raised, cleared] = await Promise.all([
    raise(db, document.entries, present),
    winners(over, (alert) => clearAlert(db, alert)),
  ]);
  // Only now, as a session that is remembered no more is not missed again.
  if (working.join() !== document.working.join()) await rememberWorking(db, working);
  const tell = (kind: AlertKind, state: AlertState, alerts: Alert[]) =>
    postAlert(config, log, notificationOf(kind, state, alerts, now));
  await Promise.all([
    ...tellByKind(raised, "standing", tell, (alert) => noteUntold(db, alert)),
    ...tellByKind(cleared, "over", tell, (alert) => putBack(db, alert)),
    tellOfGap(lastPass, summary.passId, tell),
  ]);
}

type Tell = (kind: AlertKind, state: AlertState, alerts: Alert[]) => Promise<boolean>;

/** Makes alerts stand, and notes that those which do were met again; gives those that are this pass's to tell. */
async function raise(db: Database, standing: Alert[], present: Alert[]): Promise<Alert[]> {
  const told = standing.filter((alert) => alert.told);
  const isTold = (alert: Alert) => told.some((other) => isSame(other, alert));
  await Promise.all(present.filter(isTold).map((alert) => renewAlert(db, alert, alert.lastAt)));
  return winners(
    present.filter((alert) => !isTold(alert)),
    (alert) => raiseAlert(db, alert),
  );
}

/** What is of one kind is told together: sessions may go down by the dozen. `undo` is for what nobody took. */
function tellByKind(
  alerts: Alert[],
  state: AlertState,
  tell: Tell,
  undo: (alert: Alert) => Promise<void>,
): Promise<unknown>[] {
  return [...Map.groupBy(alerts, ({ kind }) => kind)].map(async ([kind, ofKind]) => {
    if (!(await tell(kind, state, ofKind))) await Promise.all(ofKind.map(undo));
  });
}

/** Those of the alerts that this pass is to tell, and not one that overlaps it. */
async function winners(alerts: Alert[], claim: (alert: Alert) => Promise<boolean>): Promise<Alert[]> {
  const won = await Promise.all(alerts.map(claim));
  return alerts.filter((_, index) => won[index]);
}

/** Only the first pass after a gap finds itself at the end of it. */
async function tellOfGap(lastPass: LastPass | null, passId: string, tell: Tell): Promise<void> {
  const gap = lastPass?.gap;
  if (gap?.passId !== passId) return;
  const code = "passes_stopped";
  await tell("passes", "over", [
    { kind: "passes", about: "", code, message: PROBLEMS[code], since: gap.from, lastAt: gap.to, told: true },
  ]);
}
