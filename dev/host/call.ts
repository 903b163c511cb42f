import type { Summary } from "../../lib/monitoring/report.ts";
import { tellCounts } from "../../ops/format.ts";

/** What one call of the function came to. */
export interface CallResult {
  status: number;
  seconds: number;
  /** The pass's own summary; absent if there was no pass. */
  summary: Summary | undefined;
  /** In one line, for people. */
  words: string;
}

/** Calls the function as the cron does. Throws only if there is no answer. */
export async function callCron(url: string, secret: string): Promise<CallResult> {
  const began = performance.now();
  const response = await fetch(url, { headers: { authorization: `Bearer ${secret}` } });
  const body = (await response.json()) as Partial<Summary> & { error?: string };
  const seconds = (performance.now() - began) / 1000;
  const summary = "passId" in body ? (body as Summary) : undefined;
  const words = summary ? tellCounts(summary) : tellRefusal(body);
  return { status: response.status, seconds, summary, words };
}

function tellRefusal({ error, errors = [] }: Partial<Summary> & { error?: string }): string {
  return error ?? errors.map(({ message }) => message).join("; ");
}
