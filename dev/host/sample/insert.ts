import type { Db, Document } from "mongodb";
import { SESSION_DOCUMENTS } from "./campaigns.ts";
import type { SampleCampaign } from "./sample.ts";

/** Writes the sample to an empty database, as the apps would have. */
export async function insertSample(db: Db, campaigns: SampleCampaign[]): Promise<void> {
  const documents = campaigns.flatMap(({ document }) => document ?? []);
  const messages = campaigns.flatMap((campaign) => campaign.messages.map(({ document }) => document));
  await db.collection<Document>("sessions").insertMany(SESSION_DOCUMENTS);
  await db.collection<Document>("campaigns").insertMany(documents);
  await db.collection<Document>("messages").insertMany(messages);
}
