import { documentKey, type Id, idForms } from "../../../lib/mongo/ids.ts";
import type { ChaosMessage } from "../record.ts";
import type { Trail } from "./round.ts";
import { inForce, stateOf } from "./steps.ts";

export const ENDS = ["sent", "failed", "missed", "unknown"] as const;

/** How a message counts in its campaign; `left`: it may still be sent. */
export type End = (typeof ENDS)[number] | "left";

export type Counts = Record<"total" | End, number>;

/** How a message counts; undefined for one that does not: it is deleted, or gone. */
export function endOfMessage(message: ChaosMessage | null | undefined): End | undefined {
  if (!message || message.isDeleted === true) return undefined;
  const state = stateOf(message);
  if (message.isSent === true || state === "sent") return "sent";
  if (state === "unknown") return "unknown";
  const isOver = message.isPicked === true && (state === "failed" || state === "missed");
  return isOver ? (state as End) : "left";
}

/** Whether a message names this campaign, in either form. */
export function belongsTo(message: ChaosMessage | null | undefined, campaignKey: string): boolean {
  const reference = message?.campaignId;
  if (reference === undefined || reference === null) return false;
  return idForms(reference as Id).some((id) => documentKey(id) === campaignKey);
}

/** A campaign's messages, counted as they stood at a moment. */
export function countAt(trails: Trail[], campaignKey: string, at: number): Counts {
  const counts: Counts = { total: 0, sent: 0, failed: 0, missed: 0, unknown: 0, left: 0 };
  for (const { history } of trails) {
    const message = inForce(history, at)?.document;
    const end = belongsTo(message, campaignKey) ? endOfMessage(message) : undefined;
    if (!end) continue;
    counts[end] += 1;
    counts.total += 1;
  }
  return counts;
}
