import { setTimeout as sleep } from "node:timers/promises";
import { Binary, BSONRegExp, ObjectId } from "mongodb";
import { expect, it } from "vitest";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { documentKey, type Id } from "../../lib/mongo/ids.ts";
import { testDatabase } from "../../test/support/database.ts";
import { recordHistory } from "./history.ts";

async function setUp() {
  const { client, db } = testDatabase();
  const recorder = await recordHistory(db, MAPPINGS.plain);
  return { client, db, recorder, messages: db.collection<{ _id: Id; [field: string]: unknown }>("messages") };
}

it("keeps every version of a message, each as it was then, and when", async () => {
  const { recorder, messages } = await setUp();
  const began = Date.now();
  const _id = new ObjectId();
  const scheduledAt = new Date(5);
  await messages.insertOne({ _id, label: "m1", scheduledAt });
  await messages.updateOne({ _id }, { $set: { "delivery.state": "claimed" }, $unset: { label: "" } });
  await sleep(20);
  await messages.updateMany({}, [{ $set: { delivery: { $mergeObjects: [{ state: "sent" }] } } }]);
  await messages.replaceOne({ _id }, { whole: new Binary(Buffer.from("x")) });
  await messages.deleteOne({ _id });
  await messages.insertOne({ _id, label: "again" });
  const { messages: kept } = await recorder.finish();
  const history = kept.get(documentKey(_id)) ?? [];
  expect(history.map(({ document }) => document)).toEqual([
    { _id, label: "m1", scheduledAt },
    { _id, scheduledAt, delivery: { state: "claimed" } },
    { _id, scheduledAt, delivery: { state: "sent" } },
    { _id, whole: new Binary(Buffer.from("x")) },
    null,
    { _id, label: "again" },
  ]);
  const times = history.map(({ at }) => at);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[0]).toBeGreaterThanOrEqual(began - 5);
  expect(times.at(-1)).toBeLessThanOrEqual(Date.now() + 5);
  expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(15);
});

it("tells documents apart by the type of their ids, and collections from each other", async () => {
  const { db, recorder, messages } = await setUp();
  const _id = new ObjectId();
  await messages.insertMany([{ _id }, { _id: String(_id) }, { _id: 7 }, { _id: "7" }]);
  await db.collection("campaigns").insertOne({ _id, status: "scheduled" });
  const { messages: kept, campaigns } = await recorder.finish();
  expect(new Set(kept.keys())).toEqual(new Set([_id, String(_id), 7, "7"].map((id) => documentKey(id))));
  expect([...campaigns]).toEqual([
    [documentKey(_id), [{ at: expect.any(Number), document: { _id, status: "scheduled" } }]],
  ]);
});

it("keeps sessions' leases by name, and nothing else of the scheduler's", async () => {
  const { db, recorder } = await setUp();
  const scheduler = db.collection<{ _id: string }>("scheduler");
  const lease = { _id: "session:a:b" };
  await scheduler.updateOne(lease, { $set: { passId: "one" } }, { upsert: true });
  await scheduler.updateOne(lease, { $set: { passId: "two" } }, { upsert: true });
  await scheduler.insertOne({ _id: "last-pass" });
  const { leases } = await recorder.finish();
  expect([...leases.keys()]).toEqual(["a:b"]);
  expect(leases.get("a:b")?.map(({ document }) => document?.passId)).toEqual(["one", "two"]);
});

it("does not mind what is written to other collections", async () => {
  const { db, recorder, messages } = await setUp();
  const sessions = db.collection("sessions");
  await sessions.insertOne({ name: "account" });
  await sessions.updateOne({}, { $set: { name: "other" } });
  await messages.insertOne({ _id: 1 });
  expect((await recorder.finish()).messages.size).toBe(1);
});

it("keeps what is written in a transaction if it is committed", async () => {
  const { client, db, recorder, messages } = await setUp();
  const write = async (end: "commit" | "abort") => {
    await client.withSession(async (session) => {
      session.startTransaction();
      await messages.insertOne({ _id: end }, { session });
      await db.collection("campaigns").insertOne({ note: end }, { session });
      await (end === "commit" ? session.commitTransaction() : session.abortTransaction());
    });
  };
  await write("commit");
  await write("abort");
  const { messages: kept, campaigns } = await recorder.finish();
  expect([...kept.keys()]).toEqual([documentKey("commit")]);
  expect([...campaigns.values()].flat().map(({ document }) => document)).toMatchObject([{ note: "commit" }]);
});

it("reads an expression that JavaScript does not take", async () => {
  const { recorder, messages } = await setUp();
  await messages.insertOne({ _id: 1, content: new BSONRegExp("(?i)x") });
  const { messages: kept } = await recorder.finish();
  expect(kept.get(documentKey(1))?.[0]?.document?.content).toEqual(new BSONRegExp("(?i)x"));
});

it("reads on through a change of the primary", async () => {
  const { client, recorder, messages } = await setUp();
  await messages.insertOne({ _id: 1 });
  await client
    .db("admin")
    .command({ replSetStepDown: 1, force: true })
    .catch(() => {});
  await expect
    .poll(() =>
      messages.insertOne({ _id: 2 }).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  expect((await recorder.finish()).messages.size).toBe(2);
});

it("reads on where the driver gives up, as there is no primary when it resumes", async () => {
  const { client, db, recorder, messages } = await setUp();
  await messages.insertOne({ _id: 1 });
  const shuttingDown = { failCommands: ["getMore", "aggregate"], errorCode: 91, appName: db.databaseName };
  const failPoint = { configureFailPoint: "failCommand", mode: { times: 3 }, data: shuttingDown };
  const { count: before } = await client.db("admin").command(failPoint);
  await messages.insertOne({ _id: 2 });
  expect([...(await recorder.finish()).messages.values()].map((history) => history.length)).toEqual([1, 1]);
  const { count } = await client.db("admin").command({ ...failPoint, mode: "off" });
  expect(count - before).toBe(3);
});
