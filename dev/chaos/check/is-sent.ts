import { Check, type Finding } from "./finding.ts";
import type { MessageStep, Round, Trail } from "./round.ts";
import { stateOf, TIES_MS } from "./steps.ts";

/** `isSent` is true only for what WAHA accepted, since the attempt that it is said of, or because the app says so. */
export function checkIsSent({ trails }: Round): Finding {
  const check = new Check("isSent-true");
  for (const trail of trails) {
    for (const step of trail.steps.filter(saysSent)) {
      check.covers();
      if (!wasAccepted(trail, step))
        check.violated("isSent was set, and WAHA had not accepted it", trail.label);
    }
  }
  return check;
}

/** Flags that are set back on what was `sent` already say nothing new. */
function saysSent({ by, before, after }: MessageStep): boolean {
  if (by !== "scheduler" || stateOf(before) === "sent") return false;
  return stateOf(after) === "sent" || (after?.isSent === true && before?.isSent !== true);
}

function wasAccepted({ entries, intents }: Trail, { at }: MessageStep): boolean {
  const attemptedAt = intents.findLast((intent) => intent.at <= at)?.at ?? 0;
  return entries.some(
    ({ receivedAt, acceptedAt }) =>
      receivedAt.getTime() >= attemptedAt - TIES_MS && acceptedAt.getTime() <= at + TIES_MS,
  );
}
