import { endsWithin } from "../../lib/async.ts";
import type { Log } from "../../lib/log.ts";
import { closeDatabases } from "../../lib/mongo/client.ts";
import type { Served } from "./http.ts";
import type { PassTimer } from "./pass-timer.ts";

/** The time to settle what is in flight; a later pass looks up what is not settled by then. */
const SETTLE_MS = 10_000;

/** The time after that to give back what is held; the rest expires. */
const GIVE_BACK_MS = 2_500;

/** The time for all, with alerts on their way, indexes that are being made and the database's connections: hosts kill after 15 s. */
const STOP_MS = 13_500;

/** What runs until the server is told to stop. */
export interface Running {
  log: Log;
  served: Served;
  passTimer: PassTimer;
  /** Aborted to let nothing new start. */
  stop: AbortController;
  /** Aborted to cut off what is in flight. */
  giveUp: AbortController;
}

/** Stops within the promise of a pass: whatever it was doing, nothing is lost and nothing will be sent twice. */
export async function shutDown({ log, served, passTimer, stop, giveUp }: Running): Promise<void> {
  const until = performance.now() + STOP_MS;
  log.info({}, "stopping: nothing new starts, and what is in flight is settled");
  stop.abort();
  const cutOff = setTimeout(() => {
    log.warn({}, "WAHA still has not answered: what it was asked is left to a later pass to look up");
    giveUp.abort();
  }, SETTLE_MS);
  const ended = await Promise.all([
    served.close(SETTLE_MS + GIVE_BACK_MS),
    endsWithin(passTimer.stop(), SETTLE_MS + GIVE_BACK_MS),
  ]);
  clearTimeout(cutOff);
  if (!ended.every(Boolean))
    log.warn(
      {},
      "a pass was cut off: what it holds expires, and the next pass puts it right, wherever it runs",
    );
  await endsWithin(closeDatabases(), until - performance.now());
  log.info({}, "stopped");
}
