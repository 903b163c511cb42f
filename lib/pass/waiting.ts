import { addSeconds } from "../clock.ts";
import { dueFilter, surveyDue } from "../messages/due.ts";
import { unlessSlow } from "../mongo/errors.ts";
import { readLeases, type SessionLease } from "../sessions/leases.ts";
import { routeAll } from "../sessions/routing.ts";
import { groupRestriction, restrictedAmong, suspensionOf } from "../sessions/suspensions.ts";
import type { WahaSnapshot } from "../waha/snapshot.ts";
import { type Pass, settledBefore, windowNow } from "./pass.ts";
import type { WaitingFor } from "./stats.ts";

/** The next pass comes within this time. */
const NEXT_PASS_SECONDS = 60;

/** How long counting may take, in milliseconds: the pass is still to be recorded. */
const COUNT_MS = 3_000;

/**
 * Counts what is still due at the end of a pass and was not counted otherwise, by what it waits for. What can't be sent
 * before its window closes is in danger. A pass that left nothing asks nothing of the database.
 */
export async function noteWaiting(pass: Pass, snapshot: WahaSnapshot): Promise<void> {
  const { db, stats } = pass;
  if (!stats.more) return;
  const left = await unlessSlow(findLeft(pass, snapshot));
  if (!left) return stats.problem("database_slow");
  const leases = await readLeases(db, [...left.keys()]);
  for (const [session, { count, oldest }] of left) {
    // Why a session rests is told of its messages themselves.
    const lease = leases.get(session);
    if (lease && suspensionOf(lease, pass.clock.now())) continue;
    const { until, waitingFor } = waitOf(pass, lease);
    stats.waits(waitingFor, count, isInDanger(pass, oldest, until) ? session : undefined);
  }
}

/** How many messages are due by session, and the time of the oldest. */
type Left = Map<string, { count: number; oldest: Date }>;

async function findLeft(pass: Pass, { sessions }: WahaSnapshot): Promise<Left> {
  const { config, db } = pass;
  const left: Left = new Map();
  const due = dueFilter(windowNow(pass), settledBefore(pass));
  const now = pass.clock.now();
  const byChat = restrictedAmong(sessions.values(), now).length > 0;
  for await (const groups of surveyDue(db, due, 1, { byChat, maxTimeMS: COUNT_MS })) {
    const routes = await routeAll(db, groups, sessions, config);
    for (const [place, group] of groups.entries()) {
      const route = routes[place];
      const { count, next } = group;
      const oldest = next[0]?.scheduledAt;
      // What waits for a restricted account is told of the messages themselves, too.
      if (!oldest || !route || !("session" in route) || groupRestriction(group, route, now)) continue;
      const { name } = route.session;
      const known = left.get(name);
      left.set(name, {
        count: count + (known?.count ?? 0),
        oldest: known && known.oldest < oldest ? known.oldest : oldest,
      });
    }
  }
  return left;
}

/** Whether a message's window closes before that moment. */
function isInDanger({ config }: Pass, scheduledAt: Date, until: Date): boolean {
  return addSeconds(scheduledAt, config.LOOKBACK_SECONDS) <= until;
}

/** What the messages of a session wait for, and until when at the least. */
function waitOf(
  { clock, config }: Pass,
  lease: SessionLease | undefined,
): { waitingFor: WaitingFor; until: Date } {
  const now = clock.now();
  if (lease && lease.expiresAt > now) return { waitingFor: "lease", until: lease.expiresAt };
  const pauseEnd = lease?.lastSentAt && addSeconds(lease.lastSentAt, config.SEND_GAP_MS / 1000);
  if (pauseEnd && pauseEnd > now) return { waitingFor: "pause", until: pauseEnd };
  return { waitingFor: "turn", until: addSeconds(now, NEXT_PASS_SECONDS) };
}
