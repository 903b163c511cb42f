import { touchCampaigns } from "../campaigns.ts";
import { type Id, idKey } from "../documents.ts";
import type { Pass } from "./context.ts";
import { noteTurnedAway } from "./turned-away.ts";

/** Opens the campaigns that messages name, before anything of these settles. */
export async function openCampaigns(pass: Pass, messages: { campaignId?: Id | null }[]): Promise<void> {
  const named = new Map<string, Id>();
  for (const { campaignId } of messages) {
    if (campaignId !== undefined && campaignId !== null) named.set(idKey(campaignId), campaignId);
  }
  if (named.size > 0) pass.tally.campaignsOpened = true;
  noteTurnedAway(pass, await touchCampaigns(pass.db, named.values(), pass.config), "campaigns");
}
