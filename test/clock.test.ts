import { expect, test } from "vitest";
import { addSeconds, type Clock, type SystemClock, startClock, systemClock } from "../lib/clock.ts";

const DATABASE_TIME = new Date("2026-03-29T00:59:59.000Z");

/** A machine whose clocks move only when a test says so, with a system clock set apart from the database's. */
class Machine implements SystemClock {
  /** Far from zero: nothing may rest on where a monotonic clock starts. */
  #monotonic = 5_000_000;
  #system: number;

  constructor(skewMs: number) {
    this.#system = DATABASE_TIME.getTime() + skewMs;
  }

  monotonic = () => this.#monotonic;
  system = () => this.#system;

  advance(ms: number): void {
    this.#monotonic += ms;
    this.#system += ms;
  }

  /** Somebody, or a time server, sets the system clock. */
  jump(ms: number): void {
    this.#system += ms;
  }
}

/** Starts a clock from a database whose answer takes `answerMs`, half of it before it looks at its own clock. */
async function started({ skewMs = 0, answerMs = 0 } = {}): Promise<{ machine: Machine; clock: Clock }> {
  const machine = new Machine(skewMs);
  const clock = await startClock(machine, machine.monotonic(), async () => {
    machine.advance(answerMs / 2);
    const time = addSeconds(DATABASE_TIME, answerMs / 2000);
    machine.advance(answerMs / 2);
    return time;
  });
  return { machine, clock };
}

test("time is the database's, advanced by the monotonic clock", async () => {
  const { machine, clock } = await started();
  expect(clock.now()).toEqual(DATABASE_TIME);
  machine.advance(1_500);
  expect(clock.now()).toEqual(addSeconds(DATABASE_TIME, 1.5));
  expect(clock.startedAt).toEqual(DATABASE_TIME);
});

test("the database's answer is from halfway through the call", async () => {
  const { clock } = await started({ answerMs: 400 });
  expect(clock.startedAt).toEqual(DATABASE_TIME);
  expect(clock.now()).toEqual(addSeconds(DATABASE_TIME, 0.4));
  expect(clock.skewMs).toBe(0);
  expect(clock.errorMs).toBe(200);
});

test("a pass starts when its function was called, not when the database was asked", async () => {
  const machine = new Machine(0);
  const began = machine.monotonic();
  machine.advance(2_000);
  const clock = await startClock(machine, began, async () => DATABASE_TIME);
  expect(clock.startedAt).toEqual(addSeconds(DATABASE_TIME, -2));
  expect(clock.now()).toEqual(DATABASE_TIME);
});

test.each([
  ["ahead", 3_600_000],
  ["behind", -3_600_000],
])("a system clock that jumps %s changes nothing but the earliest now", async (_name, jump) => {
  const { machine, clock } = await started();
  machine.advance(10_000);
  machine.jump(jump);
  const now = addSeconds(DATABASE_TIME, 10);
  expect(clock.now()).toEqual(now);
  expect(clock.until(addSeconds(DATABASE_TIME, 60))).toBe(50_000);
  expect(clock.skewMs).toBe(0);
  expect(clock.earliestNow()).toEqual(jump > 0 ? now : addSeconds(now, jump / 1000));
});

test.each([
  ["ahead of", 7_000],
  ["behind", -7_000],
])("a machine's clock %s the database's shows as skew of that sign", async (_name, skewMs) => {
  const { machine, clock } = await started({ skewMs, answerMs: 100 });
  expect(clock.skewMs).toBe(skewMs);
  machine.advance(1_000);
  const now = clock.now();
  expect(now).toEqual(addSeconds(DATABASE_TIME, 1.1));
  expect(clock.earliestNow()).toEqual(addSeconds(now, skewMs > 0 ? -0.05 : skewMs / 1000));
});

test("until is positive before a moment, zero at it and negative after", async () => {
  const { machine, clock } = await started();
  const moment = addSeconds(DATABASE_TIME, 1);
  expect(clock.until(moment)).toBe(1_000);
  machine.advance(1_000);
  expect(clock.until(moment)).toBe(0);
  machine.advance(1);
  expect(clock.until(moment)).toBe(-1);
});

test("a clock is not started by a database that does not tell the time", async () => {
  const error = new Error("away");
  await expect(startClock(new Machine(0), 0, () => Promise.reject(error))).rejects.toBe(error);
});

test("what a clock gives out can't be used to set it", async () => {
  const { clock } = await started();
  clock.now().setFullYear(1999);
  expect(clock.now()).toEqual(DATABASE_TIME);
});

test("seconds are added in absolute time, over the hour that the clocks skip, and backwards", () => {
  expect(addSeconds(DATABASE_TIME, 2)).toEqual(new Date("2026-03-29T01:00:01.000Z"));
  expect(addSeconds(DATABASE_TIME, -0.001)).toEqual(new Date("2026-03-29T00:59:58.999Z"));
});

test("the machine's own hostClock is made of its two clocks", () => {
  const before = systemClock.monotonic();
  expect(Math.abs(systemClock.system() - Date.now())).toBeLessThan(1_000);
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
});
