import { documentKey } from "../../../lib/mongo/ids.ts";
import type { ChaosMessage, RoundRecord } from "../record.ts";
import { campaignsSeen } from "./references.ts";
import { inForceBetween } from "./steps.ts";

/** The full form of a chat's id: bare digits mean a phone. */
export function fullChatId(chatId: unknown): unknown {
  return typeof chatId === "string" && /^\d+$/.test(chatId) ? `${chatId}@c.us` : chatId;
}

/** The chats that a message had in a span of time: its own, or else those of its campaign's group. */
export function chatsSeen(
  message: ChaosMessage,
  from: number,
  until: number,
  record: RoundRecord,
): Set<unknown> {
  if (message.chatId !== undefined) return new Set([fullChatId(message.chatId)]);
  const groupIds = campaignsSeen(message, from, until, record).flatMap(({ groupId }) => groupId ?? []);
  const seen = [...new Set(groupIds.map(documentKey))]
    .flatMap((key) => inForceBetween(record.groups.get(key) ?? [], from, until))
    .flatMap(({ document }) => document ?? []);
  return new Set(seen.map(({ chatId }) => fullChatId(chatId)));
}
