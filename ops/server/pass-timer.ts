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

/**
 * Repeats a call on a schedule, whatever becomes of the machine's time of day: it may be set back by an hour, and forward.
 * An interval goes by the monotonic clock; croner looks at the time again every 30 seconds.
 *
 * @returns what ends it
 */
function repeat(schedule: Schedule, call: () => void): () => void {
  if ("everySeconds" in schedule) {
    const timer = setInterval(call, schedule.everySeconds * 1000);
    return () => clearInterval(timer);
  }
  const timer = new Cron(schedule.cron, { timezone: "UTC" }, call);
  return () => timer.stop();
}
