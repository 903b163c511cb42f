import type { ChaosMessage, RoundRecord } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import { campaignHistories, isOnHold } from "./references.ts";
import { endOf, type Round, type Trail } from "./round.ts";
import { deliveryOf, stateOf, timeOf } from "./steps.ts";

const DAY_MS = 24 * 3600_000;
const FINAL = ["sent", "failed", "missed", "unknown"];

/** The pass that follows on time's passing takes a moment to begin. */
const PASS_BEGINS_MS = 1000;

/** When faults have stopped, every message of the last 24 hours that was due ends in a final state with a reason. */
export function checkFinal({ record, trails }: Round): Finding {
  const check = new Check("final");
  const end = endOf(record);
  for (const trail of trails) {
    const last = trail.history.at(-1)?.document;
    if (!last) continue;
    const state = stateOf(last);
    if (isObliged(trail, last, end, record)) {
      check.covers();
      for (const wrong of unfinished(last)) check.violated(`was due, and ${wrong}`, trail.label);
    } else if (isUnderWay(last)) {
      check.violated(`is not due, and still ${state} when all is over`, trail.label);
    }
  }
  return check;
}

function unfinished(message: ChaosMessage): string[] {
  const state = stateOf(message);
  const { error } = deliveryOf(message);
  if (!FINAL.includes(state)) return [`is ${state} when all is over`];
  const wrong: string[] = [];
  // Where both say that it is sent, no pass looks at it again, whatever the app makes of isPicked.
  if (message.isPicked !== true && message.isSent !== true) wrong.push(`is ${state}, but not picked`);
  if (state === "sent" && message.isSent !== true) wrong.push("is sent, but isSent is not true");
  if (state !== "sent" && !(error?.code && error.message)) wrong.push(`is ${state}, but does not say why`);
  return wrong;
}

/** Claims are rescued and attempts looked up whatever became of the message otherwise. */
function isUnderWay(message: ChaosMessage): boolean {
  const { state, claimExpiresAt, nextLookupAt } = deliveryOf(message);
  return (
    (state === "claimed" && claimExpiresAt instanceof Date) ||
    (state === "attempting" && nextLookupAt instanceof Date)
  );
}

/** Whether it is the scheduler's to end: at the end, or because it had been so for a whole pass before. */
function isObliged(trail: Trail, last: ChaosMessage, end: number, record: RoundRecord): boolean {
  const flags = [last.isSent, last.isDeleted, last.isPicked];
  if (!flags.every((flag) => typeof flag === "boolean") || last.isDeleted) return false;
  const saidSentByApp = last.isSent && stateOf(last) !== "sent";
  const pickedElsewhere = last.isPicked && ["none", "released"].includes(stateOf(last));
  if (saidSentByApp || pickedElsewhere || isHeld(last.campaignId, record)) return false;
  const age = end - timeOf(last.scheduledAt);
  return (age >= 0 && age <= DAY_MS) || wasMissable(trail, record.settings.lookbackSeconds * 1000);
}

/** Whether time was made to pass until its window had closed, and again later: passes ran in between. */
function wasMissable({ steps }: Trail, lookbackMs: number): boolean {
  const agings = steps.filter(({ by }) => by === "aging");
  return agings.slice(0, -1).some(({ at, after }) => {
    const age = at - timeOf(after?.scheduledAt);
    return age >= lookbackMs + PASS_BEGINS_MS && age <= DAY_MS;
  });
}

/** Whether the campaign that a reference names is on hold at the end. */
function isHeld(reference: unknown, record: RoundRecord): boolean {
  return campaignHistories(reference, record).some((history) => {
    const last = history.at(-1)?.document;
    return last ? isOnHold(last, record) : false;
  });
}
