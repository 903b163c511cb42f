import type { Document } from "mongodb";
import type { Finding, Invariant } from "./check/index.ts";
import { lifetimesOf } from "./lifetimes.ts";
import type { History, Post, RoundRecord } from "./record.ts";
import type { Played } from "./round.ts";

/** What many rounds came to, in numbers. */
export interface Totals {
  rounds: number;
  /** Rounds by the app whose names their documents have. */
  apps: Map<string, number>;
  passes: number;
  messages: number;
  /** By what was proven or not: HTTP status, or `none`. */
  posts: Map<string, number>;
  /** POSTs by what they send. */
  kinds: Map<string, number>;
  accepted: number;
  /** POSTs that lasted longer than two leases do. */
  longPosts: number;
  /** Leases that ran out and were then taken by another pass. */
  takenLeases: number;
  /** Messages by the state that they ended in. */
  ends: Map<string, number>;
  /** By `<act> <side> <point>`. */
  hits: Map<string, number>;
  /** By invariant. */
  findings: Map<Invariant, { cases: number; violations: number }>;
}

export function noTotals(): Totals {
  return {
    rounds: 0,
    apps: new Map(),
    passes: 0,
    messages: 0,
    posts: new Map(),
    kinds: new Map(),
    accepted: 0,
    longPosts: 0,
    takenLeases: 0,
    ends: new Map(),
    hits: new Map(),
    findings: new Map(),
  };
}

/** Adds one round to the totals. */
export function addRound(totals: Totals, { record, hits }: Played, findings: Finding[]): void {
  totals.rounds += 1;
  count(totals.apps, record.settings.documents);
  totals.passes += record.calls.length;
  totals.messages += record.messages.size;
  totals.accepted += record.ledger.length;
  totals.longPosts += record.posts.filter((post) => isLong(post, record)).length;
  totals.takenLeases += [...record.leases.values()].map(countTaken).reduce((sum, count) => sum + count, 0);
  for (const { answer, kind } of record.posts) {
    count(totals.posts, String(answer?.status ?? "none"));
    count(totals.kinds, kind);
  }
  for (const history of record.messages.values())
    count(totals.ends, history.at(-1)?.document?.delivery?.state ?? "untouched");
  for (const [hit, times] of hits) count(totals.hits, hit, times);
  for (const { invariant, cases, violations } of findings) {
    const known = totals.findings.get(invariant) ?? { cases: 0, violations: 0 };
    totals.findings.set(invariant, {
      cases: known.cases + cases,
      violations: known.violations + violations.length,
    });
  }
}

/** In the storm alone: later leases are longer. */
function isLong({ at, endedAt }: Post, { calmFrom, settings }: RoundRecord): boolean {
  return at < calmFrom && endedAt - at > 2 * lifetimesOf(settings.passSeconds).lease;
}

function countTaken(history: History<Document>): number {
  return history.filter(({ at, document }, index) => {
    const before = history[index - 1]?.document;
    const ends = before?.expiresAt?.getTime() ?? 0;
    return before && document?.passId !== before.passId && ends > 0 && ends <= at;
  }).length;
}

function count(counts: Map<string, number>, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
