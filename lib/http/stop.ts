import type { EventEmitter } from "node:events";
import type { Host } from "../pass/run.ts";

/** The platform ends an instance with SIGTERM, and kills it 500 ms later (Vercel's documentation of its runtimes). */
const GIVE_UP_MS = 200;

/** A process that is not killed, as under `vercel dev`, ends by itself then. */
const EXIT_MS = 1_000;

/** The shell's code for a process that SIGTERM ended. */
const TERMINATED = 143;

/**
 * The signals of an instance that the platform takes away: from SIGTERM on nothing new starts, claims and leases go
 * back, and requests to WAHA that last are cut off, which leaves their messages to be looked up.
 */
export function stopBySignal(
  platform: EventEmitter & Pick<NodeJS.Process, "exit">,
): Pick<Host, "stop" | "giveUp"> {
  const stop = new AbortController();
  const giveUp = new AbortController();
  platform.once("SIGTERM", () => {
    stop.abort();
    setTimeout(() => giveUp.abort(), GIVE_UP_MS);
    setTimeout(() => platform.exit(TERMINATED), EXIT_MS);
  });
  return { stop: stop.signal, giveUp: giveUp.signal };
}
