import { setTimeout as sleep } from "node:timers/promises";
import { type ClaimedMessage, type GuardedWrite, sent } from "../messages/writes.ts";
import type { Pass } from "./context.ts";
import { recount } from "./reconcile.ts";

/** Between two tries of a settlement that the database did not acknowledge. */
const RETRY_MS = 250;

/**
 * What recording an outcome came to: it is in effect; the message is no longer this pass's to settle; or the
 * database never acknowledged it, and a later pass finds out.
 */
export type Settled = "applied" | "refused" | "lost";

/**
 * Records an outcome, again and again while the pass lasts if the database does not acknowledge it: repeating
 * it is harmless, its guard sees to that.
 */
export async function settle(pass: Pass, write: GuardedWrite): Promise<Settled> {
  for (;;) {
    const result = await pass.commit(write);
    if (result === "applied" || result === "refused") return result;
    // Repeating what is turned away for good would only hold the session up.
    if (result === "denied") return "lost";
    if (pass.clock.until(pass.requestsUntil) < RETRY_MS) return "lost";
    await sleep(RETRY_MS);
  }
}

/**
 * Records that WAHA accepted a message. If the attempt was already given up as `unknown`, this late answer
 * still settles it, and has its campaign counted again.
 */
export async function settleSent(
  pass: Pass,
  message: ClaimedMessage,
  at: Date,
  waMessageId: string | undefined,
): Promise<Settled> {
  const settled = await settle(pass, sent(message, at, waMessageId));
  if (settled !== "refused") return settled;
  const late = await settle(pass, sent(message, at, waMessageId, "unknown"));
  if (late === "applied") await recount(pass, message);
  return late;
}
