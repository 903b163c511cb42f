import type { AnyBulkWriteOperation, Collection, Db, Document } from "mongodb";
import { addSeconds } from "../../../lib/clock.ts";
import { parseConfig } from "../../../lib/config.ts";
import { claim, readClaimed } from "../../../lib/messages/claims.ts";
import { messageIndexes } from "../../../lib/messages/indexes.ts";
import { RECEIPT_SECONDS } from "../../../lib/messages/receipts.ts";
import { apart, type Joint, joined } from "../../../lib/messages/statements.ts";
import { type ClaimedMessage, intent, type Transition } from "../../../lib/messages/transitions.ts";
import { closeDatabases, type Database, openDatabase, type Stored } from "../../../lib/mongo/client.ts";
import { newMessageId } from "../../../lib/waha/message-ids.ts";
import type { Lab } from "../lab/lab.ts";
import type { Findings, Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";
import { createCollections, makeWork, replaceWork } from "../work.ts";

const SESSIONS = 20;

/** As many as commonly share a bulk while 20 sessions send. */
const BULK = 10;

/** What makes a claim this one, and the guards beside it. */
const OF_CLAIM = ["_id", "delivery.passId", "delivery.claimedAt", "delivery.state", "isSent"];

/** A way to write intents, or to keep the indexes that they change. */
interface Way {
  name: string;
  write(intents: Transition[]): AnyBulkWriteOperation<Stored>[];
  /** The indexes that are left out begin with one of these. */
  without?: string[];
}

const WAYS: Way[] = [
  {
    name: "the safe floor's: three fields, by _id, and no index",
    write: (intents) => intents.map(floorWrite),
    without: ["scheduler_"],
  },
  { name: "these fields, by _id", write: (intents) => apart(intents.map(bare)).map(update) },
  {
    name: "the intent, each by a statement of its own",
    write: (intents) => apart(intents).map(update),
  },
  { name: "the intent, joined", write: whole },
  { name: "these fields by _id, joined", write: (intents) => joined(intents.map(bare)).map(update) },
  { name: "the intent's fields by _id, joined", write: withGuard(["_id"]) },
  { name: "and this claim, joined", write: withGuard(OF_CLAIM) },
  { name: "and the database's own clock, joined", write: withGuard([...OF_CLAIM, "$expr"]) },
  { name: "the intent, without the campaigns' index", write: whole, without: ["scheduler_campaign"] },
  {
    name: "the intent, without the indexes of claims and lookups",
    write: whole,
    without: ["scheduler_claimed", "scheduler_lookups"],
  },
  {
    name: "the intent, without the audit's indexes",
    write: whole,
    without: ["scheduler_no_", "scheduler_wrong_", "scheduler_elsewhere"],
  },
  { name: "the intent, without the receipts' indexes", write: whole, without: ["scheduler_receipts"] },
];

/** What an intent costs the database's process, by what it is made of. */
export const intentCost: Scenario = {
  name: "intent-cost",
  run: async (lab, { messages, repeats }, tell): Promise<Findings> => {
    const name = "intent-cost";
    const db = openDatabase(
      parseConfig({
        DATABASE_URL: lab.mongod.url(name),
        WAHA_API_URL: "http://127.0.0.1:1",
        CRON_SECRET: "a-made-up-secret",
      }),
    );
    await db.connect();
    const costs = new Map(WAYS.map((way) => [way.name, [] as number[]]));
    try {
      for (let round = 0; round <= repeats; round += 1) {
        for (const way of WAYS) {
          const microseconds = await costOf(lab, db, name, way, messages);
          if (round > 0) costs.get(way.name)?.push(microseconds);
        }
        if (round > 0) tell(`round ${round} of ${repeats}`);
      }
    } finally {
      await closeDatabases();
    }
    await lab.client.db(name).dropDatabase();
    return { tables: [tableOf(costs, messages, repeats)], figures: {} };
  },
};

/** In microseconds of the processor, for each message. */
async function costOf(
  { client, counter }: Lab,
  db: Database,
  name: string,
  way: Way,
  messages: number,
): Promise<number> {
  const raw = client.db(name);
  await raw.dropDatabase();
  await createCollections(raw);
  const isLeftOut = (index: string) => way.without?.some((beginning) => index.startsWith(beginning)) ?? false;
  const indexes = messageIndexes(db.documents.messages).filter((index) => !isLeftOut(index.name ?? ""));
  if (indexes.length > 0) await db.messages.createIndexes(indexes);
  const claimed = await claimAll(db, raw, messages);
  if (claimed.length !== messages) throw new Error(`${claimed.length} of ${messages} messages were claimed`);
  const bulks = chunks(claimed.map((message) => intentOf(db, message)));
  await counter.settle();
  for (const bulk of bulks) await write(db.messages, bulk.length, way.write(bulk));
  const { cpuSeconds } = await counter.count();
  return (cpuSeconds / messages) * 1e6;
}

async function claimAll(db: Database, raw: Db, messages: number) {
  const now = new Date();
  const work = makeWork({ messages, sessions: SESSIONS }, now);
  await replaceWork(raw, work);
  const ids = work.world.messages.map(({ document }) => document._id);
  const window = { from: addSeconds(now, -60), to: addSeconds(now, 60) };
  const mark = { passId: "bench", settledBefore: addSeconds(now, -60), now, expiresAt: addSeconds(now, 600) };
  await claim(db, ids, window, mark);
  return readClaimed(db, ids, mark);
}

function intentOf({ documents }: Database, message: ClaimedMessage): Transition {
  const at = new Date();
  return intent(documents.messages, message, {
    session: `load-${String(message.sessionId)}`,
    chatId: String(message.chatId),
    waMessageId: newMessageId(),
    at,
    reconcileAfterSeconds: 120,
    receiptsUntil: addSeconds(at, RECEIPT_SECONDS),
  });
}

async function write(
  messages: Collection<Stored>,
  intents: number,
  bulk: AnyBulkWriteOperation<Stored>[],
): Promise<void> {
  const { matchedCount } = await messages.bulkWrite(bulk, { ordered: false });
  if (matchedCount !== intents) throw new Error(`${matchedCount} of ${intents} intents took effect`);
}

function floorWrite({ message: { _id } }: Transition): AnyBulkWriteOperation<Stored> {
  return { updateOne: { filter: { _id }, update: floorUpdate() } };
}

/** The safe floor's fields by its guard, which is none. */
function bare(intent: Transition): Transition {
  return { ...intent, filter: { _id: intent.message._id }, update: { ...floorUpdate(), $unset: {} } };
}

function floorUpdate() {
  return { $set: { isPicked: true, "delivery.state": "attempting", "delivery.attemptAt": new Date() } };
}

function whole(intents: Transition[]): AnyBulkWriteOperation<Stored>[] {
  return joined(intents).map(update);
}

/** Guarded by some conditions alone. */
function withGuard(fields: string[]): Way["write"] {
  return (intents) => whole(intents.map((own) => ({ ...own, filter: only(own.filter, fields) })));
}

function update({ statement }: Joint): AnyBulkWriteOperation<Stored> {
  return { updateMany: statement };
}

function only(filter: Document, fields: string[]): Document {
  return Object.fromEntries(Object.entries(filter).filter(([field]) => fields.includes(field)));
}

function chunks<T>(all: T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / BULK) }, (_, place) =>
    all.slice(place * BULK, (place + 1) * BULK),
  );
}

function tableOf(costs: Map<string, number[]>, messages: number, repeats: number) {
  return {
    title: "What an intent costs the database",
    note: `computing time of the database's process, ${messages.toLocaleString("en")} messages in bulks of ${BULK}; medians of ${repeats} runs`,
    head: ["", "for each message"],
    rows: [...costs].map(([name, own]) => [name, `${Math.round(median(own))} µs`]),
  };
}
