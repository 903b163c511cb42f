import { Cron, type CronOptions } from "croner";

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
  const timer = new Cron(...timesOf(schedule), runNow);
  return {
    runNow,
    stop: async () => {
      timer.stop();
      due = false;
      await running;
    },
  };
}

/** The schedule in the library's words: a pattern, and what limits it. */
function timesOf(schedule: Schedule): [pattern: string, options: CronOptions] {
  if ("cron" in schedule) return [schedule.cron, { timezone: "UTC" }];
  const { everySeconds: interval } = schedule;
  // Left to itself an interval begins at once.
  return ["* * * * * *", { interval, startAt: new Date(Date.now() + interval * 1000) }];
}
