import type { Document } from "mongodb";
import { changedFields, sameValue } from "./changed-fields.ts";
import type { Change } from "./demands.ts";
import { Check, type Finding } from "./finding.ts";
import { LEGAL_STEPS, type LegalStep } from "./legal-steps.ts";
import type { MessageStep, Round, Trail } from "./round.ts";
import { deliveryOf, stateOf } from "./steps.ts";

/** Every write of the scheduler's on a message is one of the life cycle's, with all that goes with it. */
export function checkLifeCycle({ record, trails }: Round): Finding {
  const check = new Check("life-cycle");
  const lookbackMs = record.settings.lookbackSeconds * 1000;
  for (const trail of trails) {
    for (const [index, step] of trail.steps.entries()) {
      if (step.by !== "scheduler") continue;
      check.covers();
      const wrong = whatIsWrong(trail, index, step, lookbackMs);
      if (wrong) check.violated(wrong, trail.label);
    }
  }
  return check;
}

function whatIsWrong(
  trail: Trail,
  index: number,
  { at, before, after }: MessageStep,
  lookbackMs: number,
): string | undefined {
  if (!before || !after) return "the scheduler added a message of its own";
  const fields = changedFields(before, after);
  if (fields.length === 0) return undefined;
  const [from, to] = [stateOf(before), stateOf(after)];
  const rows = LEGAL_STEPS.filter((row) => row.to === to && row.from.includes(from));
  if (rows.length === 0) return `${from} → ${to} is no step of its life (changed: ${fields.join(", ")})`;
  const wasSentByUs = isSetByScheduler(trail.steps.slice(0, index), "sentAt");
  const change = {
    at,
    before,
    after,
    was: deliveryOf(before),
    is: deliveryOf(after),
    lookbackMs,
    wasSentByUs,
  };
  const complaints = rows.map((row) => complaintsOf(row, change, fields));
  if (complaints.some((list) => list.length === 0)) return undefined;
  // Where a step may be one of several writes, it most likely is the one that it comes closest to.
  const [closest] = complaints.toSorted((a, b) => a.length - b.length);
  return `${from} → ${to}, but ${closest?.join("; ")}`;
}

function complaintsOf({ changes, demands }: LegalStep, change: Change, fields: string[]): string[] {
  const allowed = (field: string) =>
    changes.includes(field) || (field.startsWith("delivery.") && changes.includes("delivery.*"));
  const unasked = fields.filter((field) => !allowed(field));
  const unmet = demands.filter(([, holds]) => !holds(change)).map(([otherwise]) => otherwise);
  return unasked.length > 0 ? [`${unasked.join(", ")} changed`, ...unmet] : unmet;
}

/** Whether the scheduler was the last to change a field; that time was made to pass is no change. */
function isSetByScheduler(steps: MessageStep[], field: string): boolean {
  const changed = steps.findLast(({ by, before, after }) => {
    const [was, is] = [(before as Document | null)?.[field], (after as Document | null)?.[field]];
    return by !== "aging" && !sameValue(was, is);
  });
  return changed?.by === "scheduler";
}
