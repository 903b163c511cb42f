import type { Config } from "../../config.ts";
import { UnavailableError } from "../../errors.ts";
import { describeError, type Log } from "../../log.ts";
import { type Database, openDatabase } from "../../mongo/client.ts";
import { messageOf } from "../../problems.ts";
import { type LastPass, readLastPass } from "../record.ts";
import type { PassReport } from "../report.ts";
import { databaseIsAway, databaseIsBack, isToldAway, noteRemembered } from "./database-away.ts";
import { judge, troubleOfDatabase } from "./judge.ts";
import { beat, postAlert } from "./post.ts";
import {
  type AlertKind,
  type AlertsDocument,
  type Entry,
  forget,
  noteGap,
  noteMet,
  noteOver,
  readAlerts,
  rememberWorking,
  takeBackUntold,
} from "./state.ts";
import { isToTell, leaveTelling, noteTold, takeTelling } from "./telling.ts";
import { notificationOf } from "./words.ts";

/**
 * Tells whom it concerns what a pass came to: the heartbeat after a good one, and alerts where something began or is
 * over. Never rejects: whatever goes wrong here is a line in the log.
 */
export async function tellOfPass(config: Config, log: Log, result: PassReport): Promise<void> {
  const { defective, recorded, summary, unavailable } = result;
  const isGood = !defective && unavailable.length === 0;
  const work = [isGood ? beat(config, log) : undefined];
  if (recorded instanceof UnavailableError) work.push(databaseIsAway(config, log, recorded));
  else {
    if (!troubleOfDatabase(result)) work.push(databaseIsBack(config, log));
    work.push(lookAtAlerts(config, log, result));
  }
  try {
    await Promise.all(work);
  } catch (error) {
    log.warn({ passId: summary.passId, error: describeError(error) }, "the alerts could not be seen to");
  }
}

/** Reads what is remembered of alerts only if there may be news: a pass like the one before needs no request. */
async function lookAtAlerts(config: Config, log: Log, result: PassReport): Promise<void> {
  const db = openDatabase(config);
  const { defective, recorded, seenAt, summary, unavailable } = result;
  noteRemembered(config, troubleOfDatabase(result) !== undefined);
  if (!recorded && !defective && unavailable.length === 0) return;
  const [document, lastPass] = await Promise.all([readAlerts(db), readLastPass(db)]);
  const now = new Date(summary.startedAt.getTime() + summary.durationMs);
  const { met, over, meant, working } = judge(document, result, now);
  await Promise.all([
    ...met.filter(({ kind }) => !wasTold(config, kind)).map((alert) => noteMet(db, alert, seenAt)),
    ...over.map((alert) => noteOver(db, alert, seenAt)),
    ...meant.map((alert) => forget(db, alert)),
    noteGapBefore(db, lastPass, document),
  ]);
  // Only now, as a session that is remembered no more is not missed again; nor are messages.
  await Promise.all([
    working.join() === document.working.join() ? undefined : rememberWorking(db, working, seenAt),
    takeBackUntold(db, document.untold),
  ]);
  await tellWhatIsNew(config, log, db, now);
}

/** Whether this instance has told of it already, when the database could not remember it. */
function wasTold(config: Config, kind: AlertKind): boolean {
  return kind === "database" && isToldAway(config);
}

/** Remembers the last gap between passes, unless that was done. The pass that found it may have died before it could. */
async function noteGapBefore(
  db: Database,
  lastPass: LastPass | null,
  { gapsUntil }: AlertsDocument,
): Promise<void> {
  const gap = lastPass?.gap;
  if (!gap || (gapsUntil && gapsUntil >= gap.to)) return;
  const code = "passes_stopped";
  const { from: since, to: lastAt } = gap;
  await noteGap(db, { kind: "passes", about: "", code, message: messageOf(code), since, lastAt });
}

/** Tells what people do not know yet, that of one kind together: sessions may go down by the dozen. */
async function tellWhatIsNew(config: Config, log: Log, db: Database, now: Date): Promise<void> {
  const { entries } = await readAlerts(db);
  const toTell = entries
    .filter((entry) => isToTell(entry, now))
    .sort((one, other) => (one.about < other.about ? -1 : 1));
  const taken = await Promise.all(toTell.map((entry) => takeTelling(db, entry, now)));
  const mine = toTell.filter((_, index) => taken[index]);
  const groups = Map.groupBy(mine, ({ kind, state }) => `${kind} ${state}`);
  await Promise.all([...groups.values()].map((group) => tellTogether(config, log, db, group, now)));
}

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
  await Promise.all(group.map((entry) => (isTaken ? noteTold(db, entry) : leaveTelling(db, entry))));
}
