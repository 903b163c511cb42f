import { Check, type Finding } from "./finding.ts";
import { checkRescued } from "./rescued-first.ts";
import type { Round } from "./round.ts";
import { deliveryOf, timeOf } from "./steps.ts";

interface Sent {
  label: string;
  at: number;
  scheduledAt: number;
  isDeferred: boolean;
}

/**
 * Within one claim, a session's messages are posted in the order of `scheduledAt`, those behind all others that an answer
 * had given back that may be about them alone; and what a rescue gave back is claimed before what is due after it.
 */
export function checkOrder(round: Round): Finding {
  const check = new Check("order");
  checkPosted(check, round);
  checkRescued(check, round);
  return check;
}

function checkPosted(check: Check, { trails }: Round): void {
  const posted = trails.flatMap(({ label, intentOf }) =>
    [...intentOf].map(([{ at }, { after }]) => {
      const { passId, claimedAt, deferredAt, session } = deliveryOf(after);
      const claim = JSON.stringify([passId, timeOf(claimedAt), session]);
      const isDeferred = deferredAt !== undefined;
      return { label, at, scheduledAt: timeOf(after?.scheduledAt), isDeferred, claim };
    }),
  );
  for (const ofClaim of Map.groupBy(posted, ({ claim }) => claim).values()) {
    const inOrder = ofClaim.toSorted((a, b) => a.at - b.at);
    inOrder.slice(1).forEach((later, index) => {
      check.covers();
      const earlier = inOrder[index] as Sent;
      if (later.isDeferred && !earlier.isDeferred) return;
      if (earlier.isDeferred && !later.isDeferred)
        check.violated(`posted after ${earlier.label}, which had been refused before`, later.label);
      if (later.scheduledAt >= earlier.scheduledAt) return;
      const ahead = earlier.scheduledAt - later.scheduledAt;
      check.violated(`posted after ${earlier.label}, which was due ${ahead} ms later`, later.label);
    });
  }
}
