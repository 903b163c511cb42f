import { setTimeout as sleep } from "node:timers/promises";

/** Waits for `work` to end, but no longer than `withinMs`; tells whether it did. */
export function endsInTime(work: Promise<unknown>, withinMs: number): Promise<boolean> {
  return Promise.race([work.then(() => true), sleep(withinMs, false, { ref: false })]);
}
