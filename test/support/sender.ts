import type { Document } from "mongodb";
import { onTestFinished } from "vitest";
import { addSeconds, startClock, systemClock } from "../../lib/clock.ts";
import { parseConfig } from "../../lib/config.ts";
import { openLog } from "../../lib/log.ts";
import { claim, readClaimed } from "../../lib/messages/claims.ts";
import { groupCommit } from "../../lib/messages/group-commit.ts";
import type { ClaimedMessage } from "../../lib/messages/transitions.ts";
import { openDatabase } from "../../lib/mongo/client.ts";
import { lifetimes, passEnds } from "../../lib/pass/lifetimes.ts";
import { type Pass, windowNow } from "../../lib/pass/pass.ts";
import { ClaimsToReturn } from "../../lib/pass/send/claims-to-return.ts";
import { HeldLease } from "../../lib/pass/send/held-leases.ts";
import { SessionWorker } from "../../lib/pass/send/worker.ts";
import { PassStats } from "../../lib/pass/stats.ts";
import { openWaha } from "../../lib/waha/client.ts";
import type { World } from "./world.ts";

/** A pass that claims and sends only what a test tells it to, and that began so many seconds ago. */
export async function openPass(world: World, begunSecondsAgo = 0): Promise<Pass> {
  const config = parseConfig(world.env);
  const db = openDatabase(config);
  await db.connect();
  const clock = await startClock(systemClock, systemClock.monotonic(), () => db.readTime());
  const waha = openWaha(config);
  onTestFinished(() => waha.close());
  const tools = {
    config,
    db,
    clock,
    waha,
    log: openLog("silent"),
    stats: new PassStats(),
    commit: groupCommit(db),
    lifetimes: lifetimes(config),
    began: 0,
  };
  const ends = passEnds(addSeconds(clock.startedAt, -begunSecondsAgo), config);
  return { id: "A", ...tools, stop: new AbortController().signal, ...ends };
}

/** Inserts messages, and claims them for a pass. */
export async function claimNew(world: World, pass: Pass, ...fields: Document[]): Promise<ClaimedMessage[]> {
  const ids = await world.insert(...fields);
  const mark = {
    passId: pass.id,
    settledBefore: pass.clock.startedAt,
    now: pass.clock.now(),
    expiresAt: pass.sendUntil,
  };
  await claim(pass.db, ids, windowNow(pass), mark);
  return readClaimed(pass.db, ids, mark);
}

/** The worker of the session `default`, until the test ends. */
export function openSender(pass: Pass, changed = () => {}): SessionWorker {
  const takenAt = pass.clock.now();
  const stored = { _id: "session:default", passId: pass.id, takenAt, expiresAt: takenAt };
  const lease = new HeldLease(pass, "default", stored);
  onTestFinished(() => lease.close());
  const assigned = { session: { name: "default", status: "WORKING" }, server: undefined, lease };
  return new SessionWorker(pass, assigned, new ClaimsToReturn(pass), { changed, notAgain: () => {} });
}
