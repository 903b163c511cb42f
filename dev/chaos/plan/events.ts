import type { Fault } from "../../waha-simulator/faults.ts";
import type { SessionStatus } from "../../waha-simulator/options.ts";

/** Where a request stands: it has arrived and nothing knows of it yet; or it is answered and the asker does not know. */
export type Side = "before" | "after";

/** What the app does to one of its messages or campaigns while passes run. */
export const EDITS = [
  "delete",
  "move-later",
  "move-into-past",
  "new-text",
  "new-file",
  "new-chat",
  "new-session",
  "reset-flags",
  "ask-again",
  "pause",
  "resume",
  "add-message",
  "write-back",
] as const;
export type EditKind = (typeof EDITS)[number];

/** What happens to a lease on which its pass relies: it has run out, or a pass of which nothing is known has it. */
export type LeaseEnd = "runs-out" | "is-taken";

/** What happens where a request meets a trigger. */
export type Act =
  | { type: "kill" }
  /** The process stops for `ms` milliseconds: with the defaults' proportions, until long after its claims expired. */
  | { type: "freeze"; ms: number }
  /** The request or its answer is slow. */
  | { type: "hold"; ms: number }
  /** The connection breaks. */
  | { type: "break" }
  /** The database answers with an error of its own; before only. */
  | { type: "refuse"; code: number }
  /** The app edits, just then, one of the documents that the request names, or the reply brings; it goes on `thenMs` milliseconds later. */
  | { type: "edit"; kind: EditKind; thenMs: number }
  /** Leases that the request would renew end just then, so that their renewals match nothing; before only. */
  | { type: "end-lease"; how: LeaseEnd };

/** What the plan does to the `nth` request that reaches a point, whichever process makes it. */
export interface Trigger {
  point: string;
  side: Side;
  nth: number;
  act: Act;
  /** Only requests count that come this many milliseconds after the storm's beginning, or later. */
  fromMs?: number;
}

/** What happens at a time, in milliseconds since the storm began. */
export type Event = {
  atMs: number;
} /** The cron calls; the function's own clock is ahead by `skewMs` (behind if negative). */ & (
  | { type: "call"; skewMs: number }
  | { type: "edit"; kind: EditKind }
  | { type: "waha-fault"; fault: Fault }
  | { type: "session-status"; session: number; status: SessionStatus; forMs: number }
  | { type: "key-changes"; forMs: number }
  | { type: "waha-away"; forMs: number }
  | { type: "step-down" }
);
