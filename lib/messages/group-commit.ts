import { type AnyBulkWriteOperation, MongoBulkWriteError } from "mongodb";
import type { Database } from "../db.ts";
import { documentKey, type MessageDocument } from "../documents.ts";
import type { GuardedWrite } from "./writes.ts";

/**
 * What became of a guarded write: it took effect; its guard matched nothing; or the database did not
 * acknowledge it, and it may take effect yet.
 */
export type WriteResult = "applied" | "refused" | { unacknowledged: unknown };

/** Hands a write to the next bulk and resolves once the database has acknowledged it. Never rejects. */
export type Commit = (write: GuardedWrite) => Promise<WriteResult>;

interface Pending {
  write: GuardedWrite;
  resolve: (result: WriteResult) => void;
}

/**
 * Lets sessions that send side by side share requests: while one bulk is under way the writes of all others
 * gather, and go out together as the next. A session has at most its last outcome and its next intent in it.
 */
export function groupCommit(db: Database): Commit {
  let gathered: Pending[] = [];
  let flushing = false;

  async function flush() {
    // One turn of the event loop, so that all who are ready now are in.
    await new Promise(setImmediate);
    while (gathered.length > 0) {
      const batch = gathered;
      gathered = [];
      const results = await writeAll(
        db,
        batch.map((pending) => pending.write),
      );
      batch.forEach((pending, index) => {
        pending.resolve(results[index] ?? { unacknowledged: undefined });
      });
    }
    flushing = false;
  }

  return (write) =>
    new Promise((resolve) => {
      gathered.push({ write, resolve });
      if (flushing) return;
      flushing = true;
      void flush();
    });
}

/** Writes a batch in one request; only when fewer matched than were written, reads back which. Never rejects. */
async function writeAll(db: Database, writes: GuardedWrite[]): Promise<WriteResult[]> {
  const operations = writes.map(
    ({ filter, update }) => ({ updateOne: { filter, update } }) as AnyBulkWriteOperation<MessageDocument>,
  );
  const failed = new Map<number, unknown>();
  try {
    const result = await db.messages.bulkWrite(operations, { ordered: false });
    if (result.matchedCount === writes.length) return writes.map(() => "applied");
  } catch (error) {
    // The server answered and turned some of the writes away, as a validation rule does: that is not the others' fault.
    const single = error instanceof MongoBulkWriteError && !error.result.getWriteConcernError();
    const refusals = single ? [error.writeErrors].flat() : [];
    if (refusals.length === 0) return writes.map(() => ({ unacknowledged: error }));
    for (const refusal of refusals) failed.set(refusal.index, refusal);
  }
  const inEffect = await readBack(db, writes).catch((error: unknown) => () => ({ unacknowledged: error }));
  return writes.map((write, index) =>
    failed.has(index) ? { unacknowledged: failed.get(index) } : inEffect(write),
  );
}

/** Tells of each write whether its message is now in the state that the write, of this pass, leads to. */
async function readBack(db: Database, writes: GuardedWrite[]): Promise<(write: GuardedWrite) => WriteResult> {
  const found = await db.messages
    .find({ _id: { $in: writes.map((write) => write.id) } }, { projection: { delivery: 1 } })
    .toArray();
  const deliveries = new Map(found.map((message) => [documentKey(message._id), message.delivery]));
  return (write) => {
    const delivery = deliveries.get(documentKey(write.id));
    return delivery?.passId === write.passId && delivery.state === write.to ? "applied" : "refused";
  };
}
