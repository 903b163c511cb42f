import type { ChaosMessage, Post, RoundRecord } from "../record.ts";
import { chatsSeen } from "./chats.ts";
import { Check, type Finding } from "./finding.ts";
import { isClaim, type Round } from "./round.ts";
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
      const intent = trail.intentOf.get(post);
      if (!intent?.after) {
        check.violated(`posted by ${post.instance}, none of whose intents had taken effect`, trail.label);
        continue;
      }
      const claimWrittenAt = trail.steps.findLast((step) => isClaim(step) && step.at <= intent.at)?.at;
      const span = { from: (claimWrittenAt ?? intent.at) - TIES_MS, until: intent.at };
      for (const wrong of differences(post, intent.after, span, record)) {
        check.violated(`posted by ${post.instance}, but at its intent ${wrong}`, trail.label);
      }
    }
  }
  return check;
}

/** @param held from the write of its claim to that of its intent, by the record's clock: a pass's may be ahead of it */
function differences(
  post: Post,
  stored: ChaosMessage,
  held: { from: number; until: number },
  record: RoundRecord,
): string[] {
  const { lookbackSeconds } = record.settings;
  const { claimedAt, session, chatId } = deliveryOf(stored);
  const late = timeOf(claimedAt) - timeOf(stored.scheduledAt);
  const wrong: string[] = [];
  if (post.text !== stored.content)
    wrong.push(`its text was ${tell(stored.content)}, not ${tell(post.text)}`);
  if (post.kind !== (stored.media?.kind ?? "text"))
    wrong.push(`its kind was ${stored.media?.kind ?? "text"}, not ${post.kind}`);
  if (post.url !== stored.media?.url)
    wrong.push(`its file was at ${tell(stored.media?.url)}, not ${tell(post.url)}`);
  // A chat that is its campaign's is that of the claim.
  const chats = chatsSeen(stored, held.from, held.until, record);
  if (!chats.has(post.chatId)) {
    wrong.push(`its chat was ${[...chats].map(tell).join(" or ") || "absent"}, not ${tell(post.chatId)}`);
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
