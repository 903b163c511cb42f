import { connect } from "node:net";
import { type Db, type Document, MongoClient, MongoNetworkError, MongoServerError } from "mongodb";
import { expect, onTestFinished, test } from "vitest";
import { testDatabase } from "../../../test/support/database.ts";
import { hostsOf, proxyBefore, Watcher } from "../../../test/support/database-proxy.ts";
import { freePort } from "../../../test/support/ports.ts";
import { createWorld } from "../../../test/support/world.ts";
import { startMongod } from "../../mongod/start.ts";
import type { Interceptor } from "./intercept.ts";
import { startDatabaseProxy } from "./proxy.ts";

interface Thing {
  _id: string;
  text?: string;
}

/** A collection, seen directly and through a proxy with this interceptor. */
async function things(plan: Partial<Interceptor> = {}, options: Document = {}) {
  const { url, db, client: own } = testDatabase();
  const watcher = new Watcher(plan);
  const proxy = await proxyBefore(url, watcher);
  const client = new MongoClient(proxy.url(db.databaseName, "tester"), { retryWrites: false, ...options });
  onTestFinished(() => client.close());
  return {
    watcher,
    client,
    admin: own.db("admin"),
    direct: db.collection<Thing>("things"),
    proxied: client.db().collection<Thing>("things"),
  };
}

/** Lets one `insert` of that id wait, until it is told what becomes of it. */
function hold(id: string) {
  const arrived = Promise.withResolvers<void>();
  const fate = Promise.withResolvers<"forward" | "break">();
  const onRequest: Interceptor["onRequest"] = ({ command }) => {
    if (command.documents?.[0]?._id !== id) return "forward";
    arrived.resolve();
    return fate.promise;
  };
  return { onRequest, arrived: arrived.promise, decide: fate.resolve };
}

const REFUSAL = { ok: 0, code: 11600, codeName: "InterruptedAtShutdown", errmsg: "shutting down" };

/** Ways to interfere with one insertion, what its client sees, and whether it took place. */
const INTERFERENCES: [name: string, plan: Partial<Interceptor>, error: object, stored: number][] = [
  ["broken off before it", { onRequest: () => "break" }, { name: "MongoNetworkError" }, 0],
  ["broken off after it", { onReply: () => "break" }, { name: "MongoNetworkError" }, 1],
  ["answered for the database", { onRequest: () => ({ reply: REFUSAL }) }, { code: 11600 }, 0],
];

test.each(INTERFERENCES)("an insertion that is %s", async (_name, plan, error, stored) => {
  const { direct, proxied, watcher } = await things(plan);
  await expect(proxied.insertOne({ _id: "a" })).rejects.toMatchObject(error);
  expect(await direct.countDocuments()).toBe(stored);
  expect(watcher.requests).toMatchObject([
    { client: "tester", point: "other", command: { insert: "things", documents: [{ _id: "a" }] } },
  ]);
});

test("errors of the driver's own kinds come of it, as from a real database", async () => {
  const lost = await things({ onRequest: () => "break" });
  await expect(lost.proxied.insertOne({ _id: "a" })).rejects.toBeInstanceOf(MongoNetworkError);
  const refused = await things({ onRequest: () => ({ reply: REFUSAL }) });
  await expect(refused.proxied.insertOne({ _id: "a" })).rejects.toBeInstanceOf(MongoServerError);
});

test("a retryable write that is broken off comes again, and takes place once", async () => {
  let broken = 0;
  const onReply = () => (broken++ === 0 ? "break" : "deliver");
  const { direct, proxied, watcher } = await things({ onReply }, { retryWrites: true });
  await proxied.updateOne({ _id: "a" }, { $set: { text: "x" } }, { upsert: true });
  expect(watcher.requests).toHaveLength(2);
  expect(await direct.countDocuments()).toBe(1);
});

test("the reply is shown before its client has it", async () => {
  const replies: Document[] = [];
  const onReply: Interceptor["onReply"] = (_request, reply) => {
    replies.push(reply);
    return "deliver";
  };
  const { proxied } = await things({ onReply });
  await proxied.insertOne({ _id: "a" });
  expect(replies).toMatchObject([{ ok: 1, n: 1 }]);
});

test("the interceptor is not asked about what a driver sends of its own accord", async () => {
  const { client, proxied, watcher } = await things();
  await proxied.insertMany([{ _id: "a" }, { _id: "b" }, { _id: "c" }]);
  await client.db().command({ ping: 1 });
  const cursor = proxied.find().batchSize(2);
  await cursor.next();
  await cursor.close();
  await client.withSession(async (session) => {
    session.startTransaction();
    await proxied.insertOne({ _id: "d" }, { session });
    await session.abortTransaction();
  });
  await client.close();
  expect(watcher.requests.map(({ command }) => Object.keys(command)[0])).toEqual([
    "insert",
    "find",
    "insert",
  ]);
});

test("a request that is held holds no other connection", async () => {
  const held = hold("held");
  const { direct, proxied } = await things(held);
  const waiting = proxied.insertOne({ _id: "held" });
  await held.arrived;
  await proxied.insertOne({ _id: "other" });
  expect(await direct.distinct("_id")).toEqual(["other"]);
  held.decide("forward");
  await waiting;
  expect(await direct.distinct("_id")).toEqual(["held", "other"]);
});

/** The connections to the database that are still open for a client of that name. */
const openFor = (admin: Db, appName: string) => () =>
  admin
    .aggregate([{ $currentOp: { allUsers: true, idleConnections: true } }, { $match: { appName } }])
    .toArray();

test("a request that is held goes on when it is told to, though its client is gone, and the interceptor is not asked again", async () => {
  const held = hold("held");
  const { admin, client, direct, proxied, watcher } = await things(held, { socketTimeoutMS: 200 });
  await expect(proxied.insertOne({ _id: "held" })).rejects.toThrow("timed out");
  await client.close();
  expect(await direct.countDocuments()).toBe(0);
  held.decide("forward");
  await expect.poll(() => direct.distinct("_id")).toEqual(["held"]);
  await expect.poll(openFor(admin, "tester")).toEqual([]);
  expect(watcher.replied).toEqual([]);
});

test("a request that is held ends there when it is told to, though its client is gone", async () => {
  const held = hold("held");
  const { admin, client, direct, proxied } = await things(held, { socketTimeoutMS: 200 });
  await expect(proxied.insertOne({ _id: "held" })).rejects.toThrow("timed out");
  await client.close();
  held.decide("break");
  await expect.poll(openFor(admin, "tester")).toEqual([]);
  expect(await direct.countDocuments()).toBe(0);
});

test("what the database is doing for a client that goes away, it does to the end", async () => {
  const { admin, direct, proxied } = await things({}, { socketTimeoutMS: 200 });
  const data = { failCommands: ["insert"], blockConnection: true, blockTimeMS: 700, appName: "tester" };
  await admin.command({ configureFailPoint: "failCommand", mode: { times: 1 }, data });
  await expect(proxied.insertOne({ _id: "slow" })).rejects.toThrow("timed out");
  await expect.poll(() => direct.distinct("_id")).toEqual(["slow"]);
});

test("a client that goes away takes its connections to the database along", async () => {
  const { admin, client, proxied } = await things();
  await proxied.insertOne({ _id: "a" });
  expect(await openFor(admin, "tester")()).not.toEqual([]);
  await client.close();
  await expect.poll(openFor(admin, "tester")).toEqual([]);
});

test("documents of many megabytes go through in both directions", async () => {
  const { proxied } = await things();
  const text = "äöü 👩‍👩‍👧 ".repeat(400_000);
  await proxied.insertOne({ _id: "long", text });
  expect((await proxied.findOne({ _id: "long" }))?.text).toBe(text);
});

test("a proxy whose database is away breaks the connections to it, and serves again when it is back", async () => {
  const mongod = await startMongod({ port: await freePort() });
  onTestFinished(() => mongod.stop());
  const proxy = await proxyBefore(mongod.url("app"), new Watcher());
  const client = new MongoClient(proxy.url("app", "tester"), { serverSelectionTimeoutMS: 3_000 });
  onTestFinished(() => client.close());
  const proxied = client.db().collection<Thing>("things");
  await proxied.insertOne({ _id: "before" });
  await mongod.pause();
  await expect(proxied.insertOne({ _id: "meanwhile" })).rejects.toThrow();
  await mongod.resume();
  await expect.poll(() => proxied.insertOne({ _id: "after" }).catch(() => undefined)).toBeTruthy();
});

test("a stranger who speaks another protocol loses the connection, and the proxy tells of it when it closes", async () => {
  const { url } = testDatabase();
  const proxy = await startDatabaseProxy(hostsOf(url), new Watcher());
  const [, port] = (hostsOf(proxy.url("app", "x"))[0] ?? "").split(":");
  const stranger = connect(Number(port), "127.0.0.1");
  stranger.end("GET / HTTP/1.1\r\n\r\n");
  stranger.resume();
  await new Promise((resolve) => stranger.on("close", resolve));
  await expect(proxy.close()).rejects.toThrow(RangeError);
});

test("an interceptor that fails breaks the connection, and the proxy tells of it when it closes", async () => {
  const { url, client: own } = testDatabase();
  const onRequest = () => Promise.reject(new Error("a defect of the harness"));
  const proxy = await startDatabaseProxy(hostsOf(url), new Watcher({ onRequest }));
  const client = new MongoClient(proxy.url("app", "tester"), { retryReads: false });
  await expect(client.db().collection("things").findOne()).rejects.toBeInstanceOf(MongoNetworkError);
  await client.close();
  await expect.poll(openFor(own.db("admin"), "tester")).toEqual([]);
  await expect(proxy.close()).rejects.toThrow("a defect of the harness");
});

test("a claim whose reply is lost on the way is found by the function's read-back", async () => {
  const world = await createWorld();
  const onReply: Interceptor["onReply"] = ({ point }) => (point === "claim" ? "break" : "deliver");
  const watcher = new Watcher({ onReply });
  const proxy = await proxyBefore(world.database.url, watcher);
  world.env.DATABASE_URL = proxy.url(world.db.databaseName, "pass");
  await world.insert({});
  expect(await world.pass()).toMatchObject({ claimed: 1, sent: 1 });
});

test("a function that is kept from claiming posts nothing", async () => {
  const world = await createWorld();
  const onRequest: Interceptor["onRequest"] = ({ point }) => (point === "claim" ? "break" : "forward");
  const proxy = await proxyBefore(world.database.url, new Watcher({ onRequest }));
  world.env.DATABASE_URL = proxy.url(world.db.databaseName, "pass");
  const [id] = await world.insert({});
  expect((await world.call()).status).toBe(503);
  expect(await world.find(id)).not.toHaveProperty("delivery");
  expect(world.waha.ledger).toEqual([]);
});

test("a driver knows and calls the proxy's addresses only, and finds the new primary after a failover", async () => {
  const mongod = await startMongod({ nodes: 3 });
  onTestFinished(() => mongod.stop());
  const proxy = await proxyBefore(mongod.url("app"), new Watcher());
  const own = new Set(hostsOf(proxy.url("app", "x")));
  const client = new MongoClient(proxy.url("app", "tester"));
  onTestFinished(() => client.close());
  const known = new Set<string>();
  const primaries = new Set<string>();
  client.on("connectionCreated", ({ address }) => known.add(address));
  client.on("topologyDescriptionChanged", ({ newDescription }) => {
    for (const [address, server] of newDescription.servers) {
      for (const name of [address, ...server.hosts, server.me, server.primary]) if (name) known.add(name);
      if (server.type === "RSPrimary") primaries.add(address);
    }
  });
  const proxied = client.db().collection<Thing>("things");
  await proxied.insertOne({ _id: "before" });
  const direct = new MongoClient(mongod.url("app"));
  onTestFinished(() => direct.close());
  await direct.db("admin").command({ replSetStepDown: 60, secondaryCatchUpPeriodSecs: 10 });
  await proxied.insertOne({ _id: "after" });
  expect(known).toEqual(own);
  expect(primaries.size).toBe(2);
  expect(await direct.db().collection("things").countDocuments()).toBe(2);
});
