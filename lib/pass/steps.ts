import { asUnavailable } from "../db.ts";
import { UnavailableError } from "../errors.ts";
import { describeError } from "../log.ts";
import type { Pass } from "./context.ts";

/**
 * Runs the steps of a pass. A service that is away ends the step, not the pass: the other steps may still do
 * their part. A step that waits past the pass's end is given up; its guards keep what it may still do harmless.
 */
export class Steps {
  /** Why steps could not be run, first things first. */
  readonly failures: UnavailableError[];
  readonly #pass: Pass;

  constructor(pass: Pass, failures: UnavailableError[]) {
    this.#pass = pass;
    this.failures = failures;
  }

  /** @throws whatever is not a service's being away: that is a defect */
  async run(step: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await this.#inTime(work());
    } catch (error) {
      const reason = asUnavailable(error);
      if (!(reason instanceof UnavailableError)) throw error;
      const { log, id: passId } = this.#pass;
      log.error({ passId, step, code: reason.code, error: describeError(reason) }, "a step could not be run");
      this.failures.push(reason);
    }
  }

  /** WAHA's requests all end before the steps do, so whoever waits then waits for the database. */
  async #inTime(work: Promise<unknown>): Promise<void> {
    const end = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => end.reject(new UnavailableError("database", "database_unreachable")),
      Math.max(0, this.#pass.clock.until(this.#pass.stepsUntil)),
    );
    try {
      await Promise.race([work, end.promise]);
    } finally {
      clearTimeout(timer);
      work.catch(() => {});
    }
  }
}
