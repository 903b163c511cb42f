import { setTimeout as sleep } from "node:timers/promises";
import { touchCampaigns } from "../campaigns.ts";
import type { MessageDocument } from "../documents.ts";
import { type GuardedWrite, sent } from "../messages/writes.ts";
import type { Pass } from "./context.ts";

/** Between two tries of a settlement that the database did not acknowledge. */
const RETRY_MS = 250;

/**
 * Records an outcome, again and again while the pass lasts if the database does not acknowledge it: repeating
 * it is harmless, its guard sees to that.
 *
 * @returns whether it is in effect; false also if the message is no longer this pass's to settle
 */
export async function settle(pass: Pass, write: GuardedWrite): Promise<boolean> {
  for (;;) {
    const result = await pass.commit(write);
    if (result === "applied") return true;
    if (result === "refused") return false;
    if (pass.clock.until(pass.requestsUntil) < RETRY_MS) return false;
    await sleep(RETRY_MS);
  }
}

/**
 * Records that WAHA accepted a message. If the attempt was already given up as `unknown`, this late answer
 * still settles it, and its campaign is opened first, to be counted again.
 */
export async function settleSent(
  pass: Pass,
  message: MessageDocument,
  at: Date,
  waMessageId: string | undefined,
): Promise<boolean> {
  if (await settle(pass, sent(message._id, pass.id, at, waMessageId))) return true;
  await touchCampaigns(pass.db, message.campaignId ? [message.campaignId] : [], pass.config);
  return settle(pass, sent(message._id, pass.id, at, waMessageId, "unknown"));
}
