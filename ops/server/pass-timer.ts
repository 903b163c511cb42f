import { Cron } from "croner";

/** When passes are due: every `everySeconds` seconds, or on a cron's schedule, read as UTC. */
export type Schedule = { everySeconds: number } | { cron: string };

/** The runs of a server of one's own. */
export interface PassTimer {
  /** Runs now, out of turn. */
  runNow(): void;
  /** Runs no more; resolves when the run under way has ended. */
  stop(): Promise<void>;
}

/**
 * Runs `run` on a schedule, never twice at a time. What falls due during a run follows it at once, and only once:
 * what became due meanwhile need not wait out another interval, and a run that takes long is followed by one, not
 * by all that it kept waiting.
 *
 * @param run must not reject
 */
export function startPassTimer(schedule: Schedule, run: () => Promise<void>): PassTimer {
  let due = false;
  let running: Promise<void> | undefined;
  const runWhileDue = async () => {
    while (due) {
      due = false;
      await run();
    }
    running = undefined;
  };
  const runNow = () => {
    due = true;
    running ??= runWhileDue();
  };
  const stopTimer = repeat(schedule, runNow);
  return {
    runNow,
    stop: async () => {
      stopTimer();
      due = false;
      await running;
    },
  };
}

/** Where a schedule leaves long pauses, how long it waits before it looks at the clock again, in milliseconds. */
const LOOK_AGAIN_MS = 60_000;

/** A timer may fire a moment early, and must not fire again for the same time. In milliseconds. */
const EARLY_MS = 20;

/**
 * Repeats a call on a schedule. It waits by the monotonic clock, whatever becomes of the machine's time of day: that
 * may be set back by an hour, and forward.
 *
 * @returns what ends it
 */
function repeat(schedule: Schedule, call: () => void): () => void {
  if ("everySeconds" in schedule) {
    const timer = setInterval(call, schedule.everySeconds * 1000);
    return () => clearInterval(timer);
  }
  const times = new Cron(schedule.cron, { timezone: "UTC" });
  let timer: NodeJS.Timeout;
  const wait = () => {
    const ms = (times.msToNext() ?? LOOK_AGAIN_MS) + EARLY_MS;
    const isNext = ms <= LOOK_AGAIN_MS + EARLY_MS;
    timer = setTimeout(
      () => {
        if (isNext) call();
        wait();
      },
      isNext ? ms : LOOK_AGAIN_MS,
    );
  };
  wait();
  return () => clearTimeout(timer);
}
