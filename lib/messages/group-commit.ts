import { setTimeout as sleep } from "node:timers/promises";
import type { AnyBulkWriteOperation } from "mongodb";
import type { Database, Stored } from "../mongo/client.ts";
import { isPassing, isRetryable, writeErrorsOf } from "../mongo/errors.ts";
import { documentKey } from "../mongo/ids.ts";
import { apart, type Joint, joined } from "./statements.ts";
import type { Transition } from "./transitions.ts";

/**
 * What became of a guarded write: it is in effect; its guard matched nothing; the server turned the document away,
 * by a validation rule say; or the server did not acknowledge it, and it may take effect yet.
 */
export type WriteResult = "applied" | "stale" | "rejected" | "unacknowledged";

/** Hands a write to the next bulk and resolves once the database has acknowledged it. Never rejects. */
export type Commit = (write: Transition) => Promise<WriteResult>;

/** A bulk with fewer writes waits a moment for more where sessions send side by side: it saves a fifth of the requests. */
const ENOUGH_WRITES = 10;
const LINGER_MS = 2;

interface Pending {
  write: Transition;
  resolve: (result: WriteResult) => void;
}

/**
 * Lets sessions that send side by side share requests: while one bulk is under way the writes of all others
 * gather, and go out together as the next. A session has at most one intent in a bulk, beside
 * the records of its earlier messages.
 */
export function groupCommit(db: Database): Commit {
  let gathered: Pending[] = [];
  let flushing = false;

  async function flush() {
    // One turn of the event loop, so that all who are ready now are in.
    await new Promise(setImmediate);
    for (let bulks = 0; gathered.length > 0; bulks += 1) {
      // These came while a bulk was under way; a session that sends alone never has it wait.
      if (bulks > 0 && gathered.length < ENOUGH_WRITES) await sleep(LINGER_MS);
      const batch = gathered;
      gathered = [];
      const results = await writeAll(
        db,
        batch.map((pending) => pending.write),
      );
      batch.forEach((pending, index) => {
        pending.resolve(results[index] ?? "unacknowledged");
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
async function writeAll(db: Database, writes: Transition[]): Promise<WriteResult[]> {
  try {
    const { matched, refused } = await request(db, joined(writes));
    if (matched === writes.length) return writes.map(() => "applied");
    const inEffect = await readBack(db, writes).catch(() => () => "unacknowledged" as const);
    return writes.map((write) => refused.get(write) ?? inEffect(write));
  } catch {
    return writes.map(() => "unacknowledged");
  }
}

/**
 * Makes writes in one request.
 *
 * A write finds one message at most, by its `_id`. Its statement is an `updateMany` all the same, as the driver does not
 * retry those: the server's record of a retryable write is a fifth of what the write costs it. The bulk is retried here.
 *
 * @returns how many matched, where the server turned nothing away; else what became of the writes that it turned away
 * @throws the driver's error, where the server did not acknowledge them
 */
async function request(
  db: Database,
  joints: Joint[],
): Promise<{ matched: number; refused: Map<Transition, WriteResult> }> {
  const operations = joints.map(
    ({ statement }) => ({ updateMany: statement }) as AnyBulkWriteOperation<Stored>,
  );
  const write = () => db.messages.bulkWrite(operations, { ordered: false });
  try {
    const { matchedCount } = await write().catch((error: unknown) => {
      // Its guard sees to it that a write that took effect does not again: then it is read back.
      if (isRetryable(error)) return write();
      throw error;
    });
    return { matched: matchedCount, refused: new Map() };
  } catch (error) {
    // The server answered and turned some of the writes away, as a validation rule does: that is not the others' fault.
    // (Where the majority is in doubt as well, the driver throws another error, and nothing counts.)
    const errors = writeErrorsOf(error);
    if (errors.length === 0) throw error;
    const refused = new Map<Transition, WriteResult>();
    const stopped: Transition[] = [];
    for (const { code, index } of errors) {
      const writes = joints[index]?.writes ?? [];
      // A statement ends at the first message that is turned away.
      if (writes.length > 1) stopped.push(...writes);
      else for (const write of writes) refused.set(write, isPassing(code) ? "unacknowledged" : "rejected");
    }
    return { matched: 0, refused: new Map([...refused, ...(await requestApart(db, stopped))]) };
  }
}

/** Makes each write by itself; returns what became of those that did not take effect. */
async function requestApart(db: Database, writes: Transition[]): Promise<Map<Transition, WriteResult>> {
  if (writes.length === 0) return new Map();
  try {
    return (await request(db, apart(writes))).refused;
  } catch {
    return new Map(writes.map((write) => [write, "unacknowledged"]));
  }
}

/** Tells of each write whether its message is now in the state that the write, of this pass, leads to. */
async function readBack(db: Database, writes: Transition[]): Promise<(write: Transition) => WriteResult> {
  const found = await db.messages
    .find({ _id: { $in: writes.map((write) => write.message._id) } }, { projection: { delivery: 1 } })
    .toArray();
  const deliveries = new Map(found.map((message) => [documentKey(message._id), message.delivery]));
  return (write) => {
    const delivery = deliveries.get(documentKey(write.message._id));
    const { passId, claimedAt } = write.message.delivery;
    // An app may have stored anything there since.
    const isSame =
      delivery?.claimedAt instanceof Date && delivery.claimedAt.getTime() === claimedAt.getTime();
    const sameClaim = isSame && delivery.passId === passId;
    return sameClaim && delivery.state === write.to ? "applied" : "stale";
  };
}
