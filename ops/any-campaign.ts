import { MinKey } from "mongodb";

/**
 * Every message, whichever campaign it names, or none. With a condition on each of the fields that follow in the
 * index `scheduler_campaign`, the server leaps through it from one campaign to the next, so that it reads little
 * of it, however many messages there are.
 */
export const ANY_CAMPAIGN = { campaignId: { $gte: new MinKey() } };
