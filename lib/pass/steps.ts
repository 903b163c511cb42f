import { withTimeout } from "../async.ts";
import { UnavailableError } from "../errors.ts";
import { describeError } from "../log.ts";
import { asUnavailable } from "../mongo/errors.ts";
import type { Pass } from "./pass.ts";

/**
 * Runs the steps of a pass. A service that is away ends the step, not the pass: the other steps may still do
 * their part. A step that waits past the pass's end is given up; its guards keep what it may still do harmless.
 */
export class Steps {
  /** Why steps could not be run, first things first. */
  readonly failures: UnavailableError[] = [];
  /** How many steps met an unexpected error; the log says where. */
  defects = 0;
  readonly #pass: Pass;

  constructor(pass: Pass) {
    this.#pass = pass;
  }

  /** Notes that a service keeps the pass from some of its work. */
  fail(reason: UnavailableError): void {
    const { stats } = this.#pass;
    this.failures.push(reason);
    stats.problem(reason.code, 1, reason.detail);
    stats.broken = true;
  }

  /** Runs one step; never rejects. Undefined where it could not be run. */
  async run<T>(step: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#withTimeout(work());
    } catch (error) {
      const reason = asUnavailable(error);
      const code = reason instanceof UnavailableError ? reason.code : "internal_error";
      this.#pass.log.error({ step, code, error: describeError(reason) }, "a step could not be run");
      if (reason instanceof UnavailableError) this.fail(reason);
      else this.#defect();
      return undefined;
    }
  }

  #defect(): void {
    const { stats } = this.#pass;
    this.defects += 1;
    stats.problem("internal_error");
    stats.broken = true;
  }

  /** WAHA's requests all end before the steps do, so a step that waits then waits for the database. */
  #withTimeout<T>(work: Promise<T>): Promise<T> {
    const { clock, stepsUntil } = this.#pass;
    return withTimeout(work, Math.max(0, clock.until(stepsUntil)), "database_unreachable");
  }
}
