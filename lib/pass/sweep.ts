import { inBatches } from "../async.ts";
import { addSeconds } from "../clock.ts";
import { LineLimit, shownId } from "../log.ts";
import { findOverdue, markMissed, type Overdue, restoreFlags } from "../messages/overdue.ts";
import { findsItself, type Id } from "../mongo/ids.ts";
import { isTooLong } from "../mongo/safe-fields.ts";
import { type LastPass, readLastPass } from "../monitoring/record.ts";
import { asReason, detailOf, type Reason } from "../problems.ts";
import { withoutHeld } from "../sessions/routing.ts";
import { noteTurnedAway, openCampaignsOf } from "./housekeeping.ts";
import { maySend, type Pass } from "./pass.ts";

/** How many overdue messages are handled at a time, while the pass has time. */
const BATCH = 500;

/** How many messages have a line each in a log that does not follow all. */
const TOLD_ONE_BY_ONE = 100;

/**
 * Ends as `missed` what is past its window by the database's clock and by the function's, and sets back what
 * the app made look unsent although it may have been sent. What is over 24 hours old is left alone: a first
 * deployment over old data must not rewrite it.
 *
 * @param isAgain the pass has swept before, and told what nothing can be written on
 */
export async function sweep(pass: Pass, { isAgain = false } = {}): Promise<void> {
  const { clock, config, db } = pass;
  const now = clock.now();
  const windowFrom = addSeconds(clock.earliestNow(), -config.LOOKBACK_SECONDS);
  const found = findOverdue(db, windowFrom, now).batchSize(BATCH);
  const lines = new LineLimit(TOLD_ONE_BY_ONE);
  for await (const batch of inBatches(found, BATCH)) {
    await dealWith(pass, batch, { windowFrom, lines, isAgain });
    if (!maySend(pass)) break;
  }
  const suppressed = lines.restart();
  if (suppressed > 0)
    pass.log.warn({ count: suppressed }, "more messages like these, which have no line each");
}

async function dealWith(
  pass: Pass,
  messages: Overdue[],
  { windowFrom, lines, isAgain }: { windowFrom: Date; lines: LineLimit; isAgain: boolean },
): Promise<void> {
  const { db, stats } = pass;
  const { writable = [], unwritable = [] } = Object.groupBy(messages, ({ _id }) =>
    findsItself(_id) && !isTooLong(_id) ? "writable" : "unwritable",
  );
  const ids = writable.filter(({ mayBeSent }) => mayBeSent).map(({ _id }) => _id);
  const { changed: restored, rejected } = await restoreFlags(db, ids);
  noteTurnedAway(pass, rejected, "messages");
  if (restored > 0) {
    stats.problem("flag_reset", restored);
    const told = ids.map((_id) => ({ _id, reason: { code: "flag_reset" } as const }));
    tellEach(pass, lines, told, restored, "flags reset by the app were set back");
  }
  const unsent = await withoutHeld(
    db,
    writable.filter(({ mayBeSent }) => !mayBeSent),
  );
  const { foreign = [], own: missed = [] } = Object.groupBy(unsent, ({ isForeign }) =>
    isForeign ? "foreign" : "own",
  );
  if (!isAgain) {
    tellUnsendable(pass, lines, foreign, "its delivery is none that the scheduler has written");
    tellUnsendable(pass, lines, unwritable, "its _id is too long, or no id");
  }
  if (missed.length > 0) await miss(pass, missed, windowFrom, lines);
}

/** What is no pass's to claim, and nothing can be written on: it is told in each pass, as long as it is so. */
function tellUnsendable(pass: Pass, lines: LineLimit, messages: Overdue[], detail: string): void {
  if (messages.length === 0) return;
  const reason: Reason = { code: "invalid_message", detail };
  pass.stats.lastinglyBlocked(reason, messages.length);
  const told = messages.map(({ _id }) => ({ _id, reason }));
  tellEach(pass, lines, told, told.length, "never sent as it stands");
}

async function miss(pass: Pass, missed: Overdue[], windowFrom: Date, lines: LineLimit): Promise<void> {
  const { clock, config, db, stats } = pass;
  await openCampaignsOf(pass, missed);
  const lastPass = await readLastPass(db);
  const told = missed.map((message) => ({
    ...message,
    reason: missedReason(message, { lastPass, startedAt: clock.startedAt }, config.LOOKBACK_SECONDS),
  }));
  const byCode = Map.groupBy(told, ({ reason }) => reason.code);
  for (const [code, messages] of byCode) {
    const ids = messages.map(({ _id }) => _id);
    const { changed: count, rejected } = await markMissed(db, ids, windowFrom, clock.now(), { code });
    noteTurnedAway(pass, rejected, "messages");
    if (count === 0) continue;
    stats.add("missed", count);
    stats.problem(code, count, ...messages.map(({ reason }) => reason.detail));
    tellEach(pass, lines, messages, count, "missed: the window closed unsent");
  }
}

/** Logs a line for each message: the first ones as warnings, the rest at debug. The database does not tell which it left alone. */
function tellEach(
  { log }: Pass,
  lines: LineLimit,
  messages: { _id: Id; reason: Reason }[],
  count: number,
  what: string,
): void {
  for (const { _id, reason } of messages) {
    const fields = { messageId: shownId(_id), ...reason };
    if (lines.allows()) log.warn(fields, what);
    else log.debug(fields, what);
  }
  const [first] = messages;
  if (first && count < messages.length)
    log.warn(
      { code: first.reason.code, left: messages.length - count },
      "some of these changed meanwhile, or were turned away by the database, and were left alone",
    );
}

/**
 * Why a message is missed: what it says itself, if it was given back since it fell due; else whether passes ran in its
 * time.
 *
 * @param startedAt when the pass began that finds it
 */
export function missedReason(
  { saysWhy, scheduledAt }: Overdue,
  { lastPass, startedAt }: { lastPass: LastPass | null; startedAt: Date },
  lookbackSeconds: number,
): Reason {
  if (saysWhy) return asReason({ code: saysWhy.code, detail: detailOf(saysWhy.code, saysWhy.message) });
  if (!scheduledAt) return { code: "window_closed" };
  const closedAt = addSeconds(scheduledAt, lookbackSeconds);
  const firstAt = lastPass ? lastPass.firstAt : startedAt;
  if (firstAt && closedAt < firstAt) return { code: "too_old_at_first_pass" };
  if (!lastPass) return { code: "window_closed" };
  const { endedAt, gap } = lastPass;
  // The first pass after a gap may have ended already, and left messages whose window closed in the gap.
  const isInGap = gap && gap.from < scheduledAt && closedAt < gap.to;
  return { code: endedAt < scheduledAt || isInGap ? "no_pass_in_time" : "window_closed" };
}
