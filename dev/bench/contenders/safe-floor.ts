/**
 * What no sender that survives a crash can be faster than: before each POST one write by `_id` that a majority has
 * acknowledged, so that a crash leaves a trace; its outcome travels beside the session's next such write, and the writes
 * of all sessions share bulks. It finds nothing, claims nothing and guards nothing.
 */
import { type AnyBulkWriteOperation, type Document, MongoClient } from "mongodb";
import { newMessageId } from "../../../lib/waha/message-ids.ts";
import type { Text } from "../work.ts";
import { serve } from "./serve.ts";
import { openBareWaha } from "./waha.ts";

/** A text, and the message that it is of. */
interface Stored extends Text {
  _id: unknown;
}

const waha = openBareWaha();
const messages = new MongoClient(process.env.DATABASE_URL ?? "").db().collection("messages");
let bySession: Map<string, Stored[]> = new Map();

serve({
  prepare: async (texts) => {
    const found = await messages.find().project<Document>({ chatId: 1, content: 1 }).toArray();
    const idOf = new Map(found.map(({ _id, chatId, content }) => [`${chatId} ${content}`, _id]));
    const stored = texts.map((text) => ({ ...text, _id: idOf.get(`${text.chatId} ${text.text}`) }));
    bySession = Map.groupBy(stored, ({ session }) => session);
  },
  run: async () => {
    await Promise.all([...bySession.values()].map(sendInTurn));
  },
});

async function sendInTurn(own: Stored[]): Promise<void> {
  let outcome: Promise<void> | undefined;
  for (const { _id, ...text } of own) {
    const intent = write(_id, {
      isPicked: true,
      "delivery.state": "attempting",
      "delivery.attemptAt": new Date(),
    });
    await Promise.all([outcome, intent]);
    await waha.sendText({ ...text, id: newMessageId() });
    outcome = write(_id, { isSent: true, "delivery.state": "sent", sentAt: new Date() });
  }
  await outcome;
}

/** What is to be written, the bulk that it will leave in, and the one before that. */
let gathered: AnyBulkWriteOperation[] = [];
let next: Promise<void> | undefined;
let underWay: Promise<unknown> = Promise.resolve();

/** Resolves when the write is on a majority of the database's nodes. */
function write(_id: unknown, $set: Document): Promise<void> {
  gathered.push({ updateOne: { filter: { _id } as Document, update: { $set } } });
  next ??= writeGathered();
  return next;
}

async function writeGathered(): Promise<void> {
  await underWay;
  // One turn of the event loop, so that all who are ready now are in.
  await new Promise(setImmediate);
  const writes = gathered;
  [gathered, next] = [[], undefined];
  underWay = messages.bulkWrite(writes, { ordered: false });
  await underWay;
}
