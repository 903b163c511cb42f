import type { Interruption, RoundRecord } from "../record.ts";
import { TIES_MS } from "./steps.ts";

/** Whether a process was stopped, for a while or by its death, at some moment of a span. */
export function wasStopped(
  { interruptions }: Pick<RoundRecord, "interruptions">,
  instance: string,
  from: number,
  to: number,
): boolean {
  return interruptions.some((each) => each.instance === instance && concerns(each, from, to));
}

function concerns({ at, kind, until }: Interruption, from: number, to: number): boolean {
  const end = kind === "killed" ? Number.POSITIVE_INFINITY : (until ?? Number.POSITIVE_INFINITY);
  return at <= to + TIES_MS && end >= from;
}
