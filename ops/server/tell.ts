import type { Summary } from "../../lib/monitoring/report.ts";

/** Counts of a summary that are worth a word when they are not zero, in the order in which they are told. */
const COUNTS = {
  sent: "sent",
  reconciled: "looked up in WAHA and settled",
  failed: "failed",
  missed: "missed",
  unknown: "unknown",
  rescued: "rescued from a pass that died",
  released: "given back",
  campaignsCompleted: "campaign(s) settled",
} as const satisfies Partial<Record<keyof Summary, string>>;

/** What a pass did, in one line for people. */
export function tellCounts(summary: Summary): string {
  const told = Object.entries(COUNTS)
    .map(([name, word]) => ({ count: summary[name as keyof typeof COUNTS], word }))
    .filter(({ count }) => count > 0)
    .map(({ count, word }) => `${count} ${word}`);
  return told.join(", ") || "nothing to do";
}

/** A pass's problems by code, in one line; empty if there were none. */
export function tellProblems(summary: Summary): string {
  return summary.errors.map(({ code, count }) => tellCount(code, count)).join(", ");
}

/** Some problem, so many times. */
export function tellCount(what: string, count: number): string {
  return count > 1 ? `${count} × ${what}` : what;
}
