import type { Db } from "mongodb";
import type { CampaignDocument } from "../../lib/campaigns.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import type { MessageDocument } from "../../lib/messages/message.ts";
import type { SessionDocument } from "../../lib/sessions/routing.ts";
import type { World } from "./world.ts";

/** What is written at once. */
const BATCH = 5_000;

/** The collections of the app. */
export const COLLECTIONS = {
  sessions: MAPPINGS.plain.sessions.collection,
  campaigns: MAPPINGS.plain.campaigns.collection,
  messages: MAPPINGS.plain.messages.collection,
};

/** Writes what the app of a world would have written. */
export async function seed(db: Db, { sessions, campaigns, messages }: World): Promise<void> {
  await db.collection<SessionDocument>(COLLECTIONS.sessions).insertMany(sessions);
  await db.collection<CampaignDocument>(COLLECTIONS.campaigns).insertMany(campaigns);
  for (let first = 0; first < messages.length; first += BATCH) {
    const batch = messages.slice(first, first + BATCH).map(({ document }) => document);
    await db.collection<MessageDocument>(COLLECTIONS.messages).insertMany(batch, { ordered: false });
  }
}
