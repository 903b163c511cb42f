import type { RoundRecord, SeenClaim } from "../record.ts";
import { isClaim, type MessageStep, type Round, type Trail } from "./round.ts";
import { LOOK_BEFORE_MS, sessionsNamed } from "./routes.ts";
import { deliveryOf, timeOf } from "./steps.ts";

/** A message that a claim won. */
export interface Won {
  trail: Trail;
  /** Its place among the message's steps. */
  index: number;
  step: MessageStep;
  /** The sessions for which it may have been claimed. */
  sessions: Set<string>;
}

/** What one request of a pass claimed. */
export interface Claimed {
  passId: string;
  /** By the pass's clock. */
  claimedAt: number;
  /** When the process sent it, or else when it took effect. */
  at: number;
  /** Undefined where the request was not seen. */
  request: SeenClaim | undefined;
  won: Won[];
}

/** Every claim of a round that won anything, oldest first. */
export function claimsIn({ record, trails }: Round): Claimed[] {
  const requests = new Map(record.claims.map((claim) => [keyOf(claim.passId, claim.claimedAt), claim]));
  const won = trails.flatMap((trail) =>
    trail.steps.flatMap((step, index) => (isClaim(step) ? [wonBy(trail, index, step, record)] : [])),
  );
  const byClaim = Map.groupBy(won, ({ step }) => {
    const { passId, claimedAt } = deliveryOf(step.after);
    return keyOf(passId, claimedAt);
  });
  const claims = [...byClaim].map(([key, messages]): Claimed => {
    const { passId, claimedAt } = deliveryOf(messages[0]?.step.after);
    const request = requests.get(key);
    const at = request?.arrivedAt ?? Math.min(...messages.map(({ step }) => step.at));
    return { passId, claimedAt: timeOf(claimedAt), at, request, won: messages };
  });
  return claims.sort((a, b) => a.at - b.at);
}

/** A claim rests on a look before it: until it the app may have given the message, or its campaign, another session. */
function wonBy(trail: Trail, index: number, step: MessageStep, record: RoundRecord): Won {
  const sessions = sessionsNamed(trail, step.at - LOOK_BEFORE_MS, step.at, record);
  return { trail, index, step, sessions };
}

function keyOf(passId: unknown, claimedAt: unknown): string {
  return JSON.stringify([passId, timeOf(claimedAt)]);
}
