import type { ChaosMessage, Post, RoundRecord } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import { fullChatId, type Round } from "./round.ts";
import { deliveryOf, TIES_MS, timeOf } from "./steps.ts";

/** Every POST carries what the document held when its intent took effect, and was due then, and not deleted. */
export function checkAsStored({ record, trails, foreignPosts }: Round): Finding {
  const check = new Check("as-stored");
  for (const post of foreignPosts) {
    check.covers();
    check.violated(`${post.instance} posted to ${post.chatId}, a chat that no message ever had`);
  }
  for (const trail of trails) {
    for (const post of trail.posts) {
      check.covers();
      const intent = trail.intentOf.get(post)?.after;
      if (!intent) {
        check.violated(`posted by ${post.instance}, none of whose intents had taken effect`, trail.label);
        continue;
      }
      for (const wrong of differences(post, intent, record.settings)) {
        check.violated(`posted by ${post.instance}, but at its intent ${wrong}`, trail.label);
      }
    }
  }
  return check;
}

function differences(
  post: Post,
  stored: ChaosMessage,
  { lookbackSeconds }: RoundRecord["settings"],
): string[] {
  const { claimedAt, session, chatId } = deliveryOf(stored);
  const late = timeOf(claimedAt) - timeOf(stored.scheduledAt);
  const wrong: string[] = [];
  if (post.text !== stored.content)
    wrong.push(`its text was ${tell(stored.content)}, not ${tell(post.text)}`);
  if (post.chatId !== fullChatId(stored.chatId)) {
    wrong.push(`its chat was ${tell(stored.chatId)}, not ${tell(post.chatId)}`);
  }
  if (post.chatId !== chatId) wrong.push(`delivery.chatId was ${tell(chatId)}, not ${tell(post.chatId)}`);
  if (post.session !== session)
    wrong.push(`delivery.session was ${tell(session)}, not ${tell(post.session)}`);
  if (stored.isDeleted !== false) wrong.push("it was deleted");
  if (stored.isSent !== false) wrong.push("it was sent already");
  if (!(late >= -TIES_MS && late <= lookbackSeconds * 1000 + TIES_MS)) {
    wrong.push(`its claim had come ${late} ms after its time, outside the window of ${lookbackSeconds} s`);
  }
  return wrong;
}

function tell(value: unknown): string {
  return JSON.stringify(value) ?? "absent";
}
