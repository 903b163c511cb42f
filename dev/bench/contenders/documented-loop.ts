/**
 * What the usual tutorial does: find what is due, then for each message mark it, look its session up, send, mark it
 * sent, and count it for its campaign. One after the other, or with the argument `all` everything at once.
 */
import { MongoClient, type WithId } from "mongodb";
import type { CampaignDocument } from "../../../lib/campaigns.ts";
import type { MessageDocument } from "../../../lib/messages/message.ts";
import type { SessionDocument } from "../../../lib/sessions/routing.ts";
import { serve } from "./serve.ts";
import { openBareWaha } from "./waha.ts";

const allAtOnce = process.argv[2] === "all";
const waha = openBareWaha();
const db = new MongoClient(process.env.DATABASE_URL ?? "").db();
const messages = db.collection<MessageDocument>("messages");
const sessions = db.collection<SessionDocument>("sessions");
const campaigns = db.collection<CampaignDocument>("campaigns");

serve({
  prepare: async () => {
    await messages.createIndex({ isSent: 1, isDeleted: 1, isPicked: 1, scheduledAt: 1 });
  },
  run: async () => {
    const flags = { isSent: false, isDeleted: false, isPicked: false };
    const due = await messages.find({ ...flags, scheduledAt: { $lte: new Date() } }).toArray();
    if (allAtOnce) await Promise.all(due.map(deliver));
    else for (const message of due) await deliver(message);
  },
});

async function deliver({
  _id,
  sessionId,
  campaignId,
  chatId,
  content,
}: WithId<MessageDocument>): Promise<void> {
  await messages.updateOne({ _id }, { $set: { isPicked: true } });
  const session = await sessions.findOne({ _id: sessionId ?? "" });
  await waha.sendText({
    session: String(session?.name),
    chatId: String(chatId),
    text: String(content),
  });
  await messages.updateOne({ _id }, { $set: { isSent: true, sentAt: new Date() } });
  await campaigns.updateOne({ _id: campaignId ?? "" }, { $inc: { sentCount: 1 } });
}
