import { MinKey, MongoServerError } from "mongodb";

/**
 * Every message, whichever campaign it names, or none. With a condition on each of the fields that follow in the
 * index `scheduler_campaign`, the server leaps through it from one campaign to the next, so that it reads little
 * of it, however many messages there are.
 */
export const ANY_CAMPAIGN = { campaignId: { $gte: new MinKey() } };

/**
 * Makes a search that the index `scheduler_campaign` is to serve; the planner would not choose it where no campaign
 * is named. Where it does not exist the search is made without.
 *
 * @param search what it is given belongs to the options of its request
 */
export async function byCampaignIndex<T>(search: (hint: { hint?: string }) => Promise<T>): Promise<T> {
  try {
    return await search({ hint: "scheduler_campaign" });
  } catch (error) {
    if (!isNoSuchIndex(error)) throw error;
    return search({});
  }
}

/** The server has no code of its own for it. */
function isNoSuchIndex(error: unknown): boolean {
  return error instanceof MongoServerError && error.message.includes("hint provided does not correspond");
}
