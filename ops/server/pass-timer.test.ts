import { setImmediate as everythingElse } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Schedule, startPassTimer } from "./pass-timer.ts";

/** A timer whose runs end when the test says so. */
function timerOfRuns() {
  const runs: PromiseWithResolvers<void>[] = [];
  const passTimer = startPassTimer({ everySeconds: 3600 }, () => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  onTestFinished(() => {
    for (const run of runs) run.resolve();
    return passTimer.stop();
  });
  return { passTimer, runs };
}

/** From 20 seconds past a minute. */
const START = new Date("2027-01-01T00:00:20.000Z");

test.each<[string, Schedule, number[]]>([
  ["every 45 seconds, the first time after 45", { everySeconds: 45 }, [45, 90, 135]],
  ["on a cron's schedule", { cron: "* * * * *" }, [40, 100, 160]],
])("a timer runs %s", async (_name, schedule, expected) => {
  vi.useFakeTimers({ now: START, toFake: FAKED });
  onTestFinished(() => void vi.useRealTimers());
  const ranAt: number[] = [];
  const passTimer = startPassTimer(schedule, async () => {
    ranAt.push(Math.round((Date.now() - START.getTime()) / 1000));
  });

  await vi.advanceTimersByTimeAsync(165_000);

  await passTimer.stop();
  expect(ranAt).toEqual(expected);
});

const FAKED = [
  "Date",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
] as const satisfies string[];

test.each<[string, Schedule]>([
  ["TICK_SECONDS", { everySeconds: 30 }],
  ["a cron's schedule", { cron: "* * * * *" }],
])("with %s a clock that is set back by an hour, or forward, costs no run", async (_name, schedule) => {
  vi.useFakeTimers({ now: START, toFake: FAKED });
  onTestFinished(() => void vi.useRealTimers());
  let runs = 0;
  const passTimer = startPassTimer(schedule, async () => {
    runs += 1;
  });

  for (const shift of [-3600_000, 3600_000, -3600_000]) {
    vi.setSystemTime(Date.now() + shift);
    const before = runs;
    await vi.advanceTimersByTimeAsync(61_000);
    expect(runs - before).toBeGreaterThanOrEqual(1);
    expect(runs - before).toBeLessThanOrEqual(3);
  }

  await passTimer.stop();
});

test("what is due during a run follows it at once, and only once", async () => {
  const { passTimer, runs } = timerOfRuns();
  for (let due = 0; due < 3; due += 1) passTimer.runNow();
  expect(runs).toHaveLength(1);

  runs[0]?.resolve();
  await everythingElse();
  expect(runs).toHaveLength(2);

  runs[1]?.resolve();
  await everythingElse();
  expect(runs).toHaveLength(2);
});

test("a stopped timer lets its run end, and begins no other that was due", async () => {
  const { passTimer, runs } = timerOfRuns();
  passTimer.runNow();
  passTimer.runNow();

  const stopped = passTimer.stop();
  expect(await Promise.race([stopped.then(() => "stopped"), everythingElse("still running")])).toBe(
    "still running",
  );
  runs[0]?.resolve();

  await stopped;
  expect(runs).toHaveLength(1);
});
