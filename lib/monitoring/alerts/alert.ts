import type { ProblemCode } from "../../problems.ts";

/** The states in which a message ends that was not sent for certain. Each is an alert of its own. */
export const UNSENT = ["failed", "missed", "unknown"] as const;
export type Unsent = (typeof UNSENT)[number];

/** What an alert is about. */
export type AlertKind =
  | "waha"
  | "database"
  | "session"
  | "suspended"
  | "silent"
  | Unsent
  | "refused"
  | "passes"
  | "defect";

/** People are told of each once: when an alert begins, and when it is over. */
export type AlertState = "standing" | "over";

/** What is wrong, or was. */
export interface Alert {
  kind: AlertKind;
  /** A session's name; empty where there is only one of a kind. */
  about: string;
  code: ProblemCode | null;
  /** In the words that passes use for it. */
  message: string;
  since: Date;
  /** When a pass met it last. */
  lastAt: Date;
}

/** An alert as it is remembered, until it is over and people were told so. */
export interface Entry extends Alert {
  state: AlertState;
  /** The state that people were told last. Where it is not `state`, they are still to be told. */
  told: AlertState | null;
  /** One pass has claimed the notification, and posts it before this moment. */
  claimedUntil: Date | null;
}

/** What the `scheduler` collection remembers of alerts, between passes and among instances. */
export interface AlertsDocument {
  /** Grows with every write. Null in a document that is older than this field. */
  rev: number | null;
  entries: Entry[];
  /** The WAHA sessions that worked when a pass looked last, sorted by name. */
  working: string[];
  /** When a pass looked at WAHA last. A pass that looked earlier tells nothing about WAHA. */
  seenAt: Date | null;
  /** Messages that passes counted at their end, and that have not become alerts yet. */
  unannounced: Partial<Record<Unsent, number>>;
  /** Gaps between passes that ended by then have become entries. */
  gapsUntil: Date | null;
}

/** The same for two alerts that are about the same thing, whatever they say of it. */
export function alertKey({ kind, about }: Pick<Alert, "kind" | "about">): string {
  return `${kind} ${about}`;
}

/** Alerts by their keys: thousands of sessions may fail at once. */
export function byKey<A extends Pick<Alert, "kind" | "about">>(alerts: A[]): Map<string, A> {
  return new Map(alerts.map((alert) => [alertKey(alert), alert]));
}
