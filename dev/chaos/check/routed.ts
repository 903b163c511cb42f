import type { Id } from "../../../lib/mongo/ids.ts";
import type { ChaosCampaign, ChaosMessage, RoundRecord } from "../record.ts";
import { Check, type Finding } from "./finding.ts";
import { campaignHistories, isOnHold } from "./references.ts";
import type { Round } from "./round.ts";
import { deliveryOf, inForceBetween, timeOf } from "./steps.ts";

/** A claim rests on a look at its campaign; between the two the process may have been held up for so long. */
const LOOK_BEFORE_MS = 10_000;

/** Every POST goes out where its message, or else its campaign, says, and none for a campaign on hold. */
export function checkRouted({ record, trails }: Round): Finding {
  const check = new Check("routed");
  for (const trail of trails) {
    for (const post of trail.posts) {
      const intent = trail.intentOf.get(post);
      // Of a POST without an intent another check tells.
      if (!intent?.after) continue;
      check.covers();
      const campaigns = campaignsSeen(intent.after, intent.at, record);
      const named = sessionsOf(intent.after, campaigns, record);
      if (!named.has(post.session))
        check.violated(
          `went out on ${post.session}, not on ${[...named].join(" or ") || "any"}`,
          trail.label,
        );
      if (campaigns.length > 0 && campaigns.every((campaign) => isOnHold(campaign, record)))
        check.violated("went out, and its campaign was on hold", trail.label);
    }
  }
  return check;
}

/** Its campaign as somebody may have seen it before the claim. */
function campaignsSeen(message: ChaosMessage, until: number, record: RoundRecord): ChaosCampaign[] {
  const from = timeOf(deliveryOf(message).claimedAt) - LOOK_BEFORE_MS;
  return campaignHistories(message.campaignId, record)
    .flatMap((history) => inForceBetween(history, from, until))
    .flatMap(({ document }) => document ?? []);
}

function sessionsOf(
  { sessionId }: ChaosMessage,
  campaigns: ChaosCampaign[],
  { sessions }: RoundRecord,
): Set<string> {
  const references = isGiven(sessionId) ? [sessionId] : campaigns.map((campaign) => campaign.sessionId);
  return new Set(references.filter(isGiven).map((id) => sessions.get(String(id)) ?? String(id)));
}

function isGiven(reference: Id | null | undefined): reference is Id {
  return reference !== undefined && reference !== null && reference !== "";
}
