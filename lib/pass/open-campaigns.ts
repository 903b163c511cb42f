import { touchCampaigns } from "../campaigns.ts";
import type { Id } from "../documents.ts";
import type { Pass } from "./context.ts";
import { noteTurnedAway } from "./turned-away.ts";

/** Opens the campaigns that messages name, before anything of these settles. */
export async function openCampaigns(pass: Pass, messages: { campaignId?: Id | null }[]): Promise<void> {
  const named = messages.map(({ campaignId }) => campaignId).filter((id) => id !== undefined && id !== null);
  if (named.length > 0) pass.tally.campaignsOpened = true;
  noteTurnedAway(pass, await touchCampaigns(pass.db, named, pass.config), "campaigns");
}
