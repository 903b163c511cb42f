import type { Summary } from "../../lib/pass/tally.ts";

/** What one call of the function came to. */
export interface CallResult {
  status: number;
  seconds: number;
  /** The pass's own summary; absent if there was no pass. */
  summary: Summary | undefined;
  /** In one line, for people. */
  words: string;
}

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

/** Calls the function as the cron does. Throws only if nobody answers. */
export async function callCron(url: string, secret: string): Promise<CallResult> {
  const began = performance.now();
  const response = await fetch(url, { headers: { authorization: `Bearer ${secret}` } });
  const body = (await response.json()) as Partial<Summary> & { error?: string };
  const seconds = (performance.now() - began) / 1000;
  const summary = "passId" in body ? (body as Summary) : undefined;
  const words = summary ? tellCounts(summary) : tellRefusal(body);
  return { status: response.status, seconds, summary, words };
}

/** A pass's problems by code, in one line; empty if there were none. */
export function tellProblems(summary: Summary): string {
  return summary.errors.map(({ code, count }) => (count > 1 ? `${count} × ${code}` : code)).join(", ");
}

function tellCounts(summary: Summary): string {
  const told = Object.entries(COUNTS)
    .map(([name, word]) => ({ count: summary[name as keyof typeof COUNTS], word }))
    .filter(({ count }) => count > 0)
    .map(({ count, word }) => `${count} ${word}`);
  return told.join(", ") || "nothing to do";
}

function tellRefusal({ error, errors = [] }: Partial<Summary> & { error?: string }): string {
  return error ?? errors.map(({ message }) => message).join("; ");
}
