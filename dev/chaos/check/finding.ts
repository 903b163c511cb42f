import type { Violation } from "../record.ts";

/** What became of one invariant in one round. */
export interface Finding {
  invariant: string;
  /** How many things it was held against: an invariant that nothing put to the test holds of itself. */
  cases: number;
  violations: Violation[];
}

/** Collects a {@link Finding}. */
export class Check implements Finding {
  readonly invariant: string;
  cases = 0;
  readonly violations: Violation[] = [];

  constructor(invariant: string) {
    this.invariant = invariant;
  }

  covers(cases = 1): void {
    this.cases += cases;
  }

  /** @param what one clear line: what should be, what is */
  violated(what: string, subject?: string): void {
    this.violations.push({ invariant: this.invariant, what, subject });
  }
}
