import type { UnavailableError } from "../errors.ts";
import type { ProblemCode } from "../problems.ts";
import type { WahaSession } from "../waha/responses.ts";

/** What a pass did; see docs/api.md for what each count means. */
export interface Summary {
  passId: string;
  startedAt: Date;
  durationMs: number;
  /** Every step ran, and every message that was due went out, but for those that the app changed meanwhile. */
  ok: boolean;
  claimed: number;
  sent: number;
  released: number;
  failed: number;
  missed: number;
  unknown: number;
  rescued: number;
  reconciled: number;
  campaignsCompleted: number;
  /** Due messages were left for the next pass. */
  more: boolean;
  /** Sent minus scheduled; null when nothing was sent. */
  latenessMs: { p50: number | null; max: number | null };
  /** Each kind of problem once, so the summary stays small however many messages have it. */
  errors: { code: ProblemCode; message: string; count: number }[];
}

/** What a pass came to. */
export interface PassReport {
  summary: Summary;
  /** Why it could not do all its work, first things first: services that were away. */
  unavailable: readonly UnavailableError[];
  /** A step met an error that nobody foresaw. */
  defective: boolean;
  /** WAHA's sessions as the pass saw them last; undefined when WAHA did not list them. */
  sessions: Map<string, WahaSession> | undefined;
  /** When it looked, by the database's time: what a later look of another pass showed counts for more. */
  seenAt: Date;
  /** Whether the record says that alerts need a look; or why there is no record. */
  recorded: boolean | UnavailableError | undefined;
}
