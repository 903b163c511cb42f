import { PROBLEMS, type ProblemCode } from "../../problems.ts";
import type { PassReport } from "../report.ts";
import { type Alert, begun, UNSENT, type Unsent } from "./state.ts";

/** How many kinds of problems the words on messages name. */
const NAMED_PROBLEMS = 3;

/** Messages that this pass counted, and those of passes that did not live to tell. */
export function unsent({ summary }: PassReport, untold: Partial<Record<Unsent, number>>, now: Date): Alert[] {
  return UNSENT.flatMap((kind) => {
    const count = Math.max(summary[kind], untold[kind] ?? 0);
    if (count === 0) return [];
    const reasons = summary[kind] > 0 ? summary.errors.filter(({ code }) => mayBecome(kind, code)) : [];
    const why = reasons
      .slice(0, NAMED_PROBLEMS)
      .map(({ code, message }) => `${code}: ${message}`)
      .join("; ");
    const message = `${count} ${count === 1 ? "message is" : "messages are"} ${kind}. ${why || OF_ANOTHER_PASS}`;
    const [only, ...others] = reasons;
    return [begun({ kind, code: only && others.length === 0 ? only.code : null, message }, now)];
  });
}

/** Where the pass that counted them did not live to tell why. */
const OF_ANOTHER_PASS = "The status page says why";

/** Whether a message with this problem may have ended so. A pass's summary counts both, but not together. */
function mayBecome(kind: Unsent, code: ProblemCode): boolean {
  const of = PROBLEMS[code].kind;
  if (kind === "failed") return of === "failed";
  if (kind === "unknown") return of === "unproven";
  // What waits for a restricted account may be missed.
  if (of === "failed") return code === "account_restricted";
  return of !== "notice" && of !== "unproven";
}
