import type { UnavailableError } from "../errors.ts";
import type { ProblemCode } from "../problems.ts";
import type { WahaSession } from "../waha/responses.ts";
import type { Silence } from "./silence.ts";

/** What a pass did. docs/api.md says what each count means. */
export interface Summary {
  passId: string;
  startedAt: Date;
  durationMs: number;
  /** Every step ran, and nothing that was due is lost or in danger: what was not sent waits, and can wait. */
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
  /** How many of these wait for what; see docs/api.md. */
  waiting: { lease: number; pause: number; turn: number; waha: number };
  /** Sent minus scheduled; null when nothing was sent. */
  latenessMs: { p50: number | null; max: number | null };
  /** Each kind of problem once, so that the summary stays small. */
  errors: { code: ProblemCode; message: string; count: number }[];
}

/** What a pass came to. Monitoring knows passes by this alone. */
export interface PassReport {
  summary: Summary;
  /** The services that kept it from some of its work, in the order in which they did. */
  unavailable: readonly UnavailableError[];
  /** A step met an unexpected error. */
  defective: boolean;
  /** WAHA's sessions when the pass looked last; undefined if WAHA did not list them. */
  sessions: Map<string, WahaSession> | undefined;
  /** When it looked last, by the database's time. What another pass saw later counts more. */
  seenAt: Date;
  /** Of which sessions that work WhatsApp reports nothing; "off" without webhooks; undefined if it was not looked for. */
  silence: Silence | "off" | undefined;
  /** Whether the alerts are to be evaluated, as recording the pass told; or why it was not recorded. */
  recorded: boolean | UnavailableError | undefined;
}
