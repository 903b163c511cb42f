/** What must hold in every round, in the words of a report; each is held against a record by the check of its name. */
export const INVARIANTS = {
  once: "at most one POST a message, unless every earlier one is proven unsent or a person asked again",
  "intent-first": "every POST comes after an acknowledged intent of its own",
  "as-stored": "every POST carries what was stored at its intent: not deleted, not moved, not edited",
  routed: "every POST goes out where its message or its campaign says, and none for a campaign on hold",
  "isSent-true": "isSent is true only for what WAHA accepted, or where the app says so",
  "life-cycle": "every write is a step of the life cycle; isSent never reverts, sentAt is set once",
  "stale-writes": "a stale pass's writes match nothing",
  final: "what was due ends in a final state, with a reason",
  agrees: "in the end the database says what WAHA's ledger says, or that it does not know",
  order:
    "what a pass claims at once goes out in the order of its times, and after what was rescued before it",
  "one-sender": "one sender a session at a time, under its lease from the POST's beginning to its end",
  "under-lease": "a message is claimed only under its session's lease, and its claim ends before the lease",
  rests: "nothing is posted on a session that rests",
  "taken-over": "what a killed pass had claimed is claimed again within the time of a lease and a look",
  campaigns: "a campaign's final status is a function of its messages",
  receipts: "a receipt only rises, is one that WAHA told of, and agrees with how the message ends",
  redirects: "no redirect is followed",
  answers: "the function answers as promised, and 200 once nothing goes wrong any more",
} as const;

export type Invariant = keyof typeof INVARIANTS;

/** An invariant that did not hold for something. */
export interface Violation {
  invariant: Invariant;
  /** One clear line: what should be, what is. */
  what: string;
  /** The label of the message or campaign, if it is about one. */
  subject: string | undefined;
}

/** What became of one invariant in one round. */
export interface Finding {
  invariant: Invariant;
  /** How many things it was held against: an invariant that nothing put to the test holds of itself. */
  cases: number;
  violations: Violation[];
}

/** Collects a {@link Finding}. */
export class Check implements Finding {
  readonly invariant: Invariant;
  cases = 0;
  readonly violations: Violation[] = [];

  constructor(invariant: Invariant) {
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
