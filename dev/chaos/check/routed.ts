import { Check, type Finding } from "./finding.ts";
import { campaignsSeen, isOnHold } from "./references.ts";
import type { Round } from "./round.ts";
import { LOOK_BEFORE_MS, sessionsOf } from "./routes.ts";
import { deliveryOf, timeOf } from "./steps.ts";

/** Every POST goes out where its message, or else its campaign, says, and none for a campaign on hold. */
export function checkRouted({ record, trails }: Round): Finding {
  const check = new Check("routed");
  for (const trail of trails) {
    for (const post of trail.posts) {
      const intent = trail.intentOf.get(post);
      // Of a POST without an intent another check tells.
      if (!intent?.after) continue;
      check.covers();
      // Its campaign as it may have been seen before the claim.
      const from = timeOf(deliveryOf(intent.after).claimedAt) - LOOK_BEFORE_MS;
      const campaigns = campaignsSeen(intent.after, from, intent.at, record);
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
