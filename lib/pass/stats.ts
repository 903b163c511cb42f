import { type Histogram, histogramOf } from "../monitoring/history/lateness.ts";
import type { Summary } from "../monitoring/report.ts";
import { neutral } from "../neutral.ts";
import { messageOf, PROBLEMS, type ProblemCode, type Reason } from "../problems.ts";

type Count =
  | "claimed"
  | "sent"
  | "released"
  | "failed"
  | "missed"
  | "unknown"
  | "rescued"
  | "reconciled"
  | "campaignsCompleted";

/** How many of the details (sessions' names, statuses) an error's message shows. */
const SHOWN_DETAILS = 5;

/** The app changed these messages, or the pass claims them anew: given back, they keep no pass from being ok. */
const HARMLESS_RELEASES: ReadonlySet<ProblemCode> = new Set(["message_changed", "claim_ran_out"]);

/**
 * What a message that is due waits for: a session's lease that a pass holds, the pause between two messages, its turn, or
 * WAHA.
 */
export type WaitingFor = keyof Summary["waiting"];

/** Counts what a pass does, and sums it up. */
export class PassStats {
  more = false;
  /** How often the pass began to open campaigns. */
  openings = 0;
  /** A step of the pass could not be run. */
  broken = false;
  readonly #counts: Record<Count, number> = {
    claimed: 0,
    sent: 0,
    released: 0,
    failed: 0,
    missed: 0,
    unknown: 0,
    rescued: 0,
    reconciled: 0,
    campaignsCompleted: 0,
  };
  /** Messages that keep the pass from being ok: not sent other than by the app's wish, not proven, or not recorded. */
  #unsent = 0;
  readonly #waiting: Summary["waiting"] = { lease: 0, pause: 0, turn: 0, waha: 0 };
  readonly #problems = new Map<ProblemCode, { count: number; details: Set<string> }>();
  readonly #lasting = new Map<string, number>();
  readonly #latenessMs: number[] = [];

  add(count: Count, by = 1): void {
    this.#counts[count] += by;
  }

  /** Whether the pass met any message. */
  get hasSeenMessages(): boolean {
    return this.#unsent > 0 || Object.values(this.#counts).some((count) => count > 0);
  }

  sent(latenessMs: number): void {
    this.add("sent");
    this.#latenessMs.push(latenessMs);
  }

  /** Messages that were claimed and given back. */
  released({ code, detail }: Reason, count = 1): void {
    if (count === 0) return;
    this.add("released", count);
    if (!HARMLESS_RELEASES.has(code)) this.#unsent += count;
    this.problem(code, count, detail);
  }

  /** A message that counted as given back, and fails after all. */
  failedAfterAll(): void {
    this.add("released", -1);
    this.#unsent -= 1;
    this.add("failed");
  }

  /** A message that ended without being sent. */
  ended(how: "failed" | "unknown", { code, detail }: Reason): void {
    this.add(how);
    this.problem(code, 1, detail);
  }

  /** Messages that are due and can't be claimed. */
  blocked({ code, detail }: Reason, count: number): void {
    this.#unsent += count;
    this.problem(code, count, detail);
  }

  /**
   * Messages that are due and wait.
   *
   * @param inDanger what is to be told of them if the first of their windows closes before they can be sent
   */
  waits(what: WaitingFor, count: number, inDanger?: string): void {
    this.#waiting[what] += count;
    if (inDanger !== undefined) this.blocked({ code: "window_closing", detail: inDanger }, count);
  }

  /** A message whose outcome is not proven, or could not be recorded as a whole. */
  undecided({ code, detail }: Reason): void {
    this.#unsent += 1;
    this.problem(code, 1, detail);
  }

  problem(code: ProblemCode, count = 1, ...details: (string | undefined)[]): void {
    const known = this.#problems.get(code) ?? { count: 0, details: new Set<string>() };
    known.count += count;
    for (const detail of details) {
      // What is wrong with WAHA's address names no session, and is to be copied.
      const shown = detail && (PROBLEMS[code].kind === "waha" ? detail : neutral(detail));
      if (shown && known.details.size < SHOWN_DETAILS) known.details.add(shown);
    }
    this.#problems.set(code, known);
  }

  /** A problem that lasts, so that the pass may meet it at each look: it counts as often as it was met at once. */
  lasting(code: ProblemCode, count: number, what = ""): void {
    const more = this.#moreThanBefore(`${code} ${what}`, count);
    if (more > 0) this.problem(code, more);
  }

  /** The same of messages that are due and can't be claimed. */
  lastinglyBlocked(reason: Reason, count: number): void {
    const more = this.#moreThanBefore(`${reason.code} ${reason.detail}`, count);
    if (more > 0) this.blocked(reason, more);
  }

  /** By how much a count is more than the highest so far of the same thing. */
  #moreThanBefore(thing: string, count: number): number {
    const known = this.#lasting.get(thing) ?? 0;
    this.#lasting.set(thing, Math.max(known, count));
    return Math.max(0, count - known);
  }

  /** The settings don't fit the app, so that nothing is sent; or the database turned something away. */
  get #isUnfit(): boolean {
    return [...this.#problems.keys()].some(
      (code) => PROBLEMS[code].kind === "setup" || code === "database_refused",
    );
  }

  summary(passId: string, startedAt: Date, durationMs: number): Summary {
    const { failed, missed, unknown } = this.#counts;
    return {
      passId,
      startedAt,
      durationMs: Math.round(durationMs),
      ok: !this.broken && !this.#isUnfit && this.#unsent + failed + missed + unknown === 0,
      ...this.#counts,
      more: this.more,
      waiting: { ...this.#waiting },
      latenessMs: this.#lateness(),
      errors: [...this.#problems].map(([code, { count, details }]) => ({
        code,
        message: messageOf(code, [...details].join(", ")),
        count,
      })),
    };
  }

  /** How late what was sent was. */
  latenessHistogram(): Histogram {
    return histogramOf(this.#latenessMs);
  }

  #lateness(): Summary["latenessMs"] {
    if (this.#latenessMs.length === 0) return { p50: null, max: null };
    const sorted = this.#latenessMs.sort((a, b) => a - b);
    return { p50: sorted[Math.floor((sorted.length - 1) / 2)] ?? null, max: sorted.at(-1) ?? null };
  }
}
