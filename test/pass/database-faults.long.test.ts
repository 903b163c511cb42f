import { MongoClient } from "mongodb";
import { expect, onTestFinished, test } from "vitest";
import { startMongod } from "../../dev/mongod/start.ts";
import type { Summary } from "../../lib/monitoring/report.ts";
import { beforeIntent } from "../support/before-intent.ts";
import { failCommands } from "../support/fail-commands.ts";
import { jumpingClock } from "../support/jumping-clock.ts";
import { freePort } from "../support/ports.ts";
import { ago, createWorld, makePast } from "../support/world.ts";

test("an intent that is not acknowledged is followed by no POST, and the message is given back", async () => {
  const world = await createWorld();
  const [id] = await world.insert({});
  // Executed, but not known to be on a majority: it could be rolled back.
  const unsure = { failCommands: ["update"], writeConcernError: { code: 64, errmsg: "waiting" } };
  const off = Promise.withResolvers<() => Promise<void>>();
  await beforeIntent(world, async () => off.resolve(await failCommands(world, { times: 1 }, unsure)));
  expect(await world.pass()).toMatchObject({ sent: 0, released: 1, errors: [{ code: "database_lost" }] });
  await (await off.promise)();
  expect(world.waha.ledger).toHaveLength(0);
  expect(await world.find(id)).toMatchObject({
    isPicked: false,
    delivery: { state: "released", error: { code: "database_lost" } },
  });
  expect(await world.pass()).toMatchObject({ sent: 1 });
});

test("a pass that can't be recorded says so in its answer", async () => {
  const world = await createWorld();
  await world.pass();
  await world.db.command({ collMod: "scheduler", validator: { _id: { $ne: "last-pass" } } });
  await world.insert({});
  const response = await world.call();
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { ok: false, sent: 1, errors: [{ code: "database_refused", count: 1 }] },
  ]);
});

test("a connection that is lost while many are written is told as one that is lost", async () => {
  const world = await createWorld();
  await world.pass();
  const off = await failCommands(world, "alwaysOn", { failCommands: ["update"], closeConnection: true });
  const response = await world.call();
  await off();
  const { errors } = (await response.json()) as Summary;
  expect([response.status, errors.map(({ code }) => code)]).toEqual([503, ["database_unreachable"]]);
});

test("an outcome that is not acknowledged at first is recorded by the same pass", async () => {
  const world = await createWorld();
  const thaw = world.waha.addFault({
    match: { route: "sendText" },
    times: 1,
    action: { type: "delay", ms: 60_000 },
  });
  const [id] = await world.insert({});
  const passing = world.pass();
  await world.waha.received("sendText", 1);
  const off = await failCommands(world, { times: 3 }, { failCommands: ["update"], closeConnection: true });
  thaw();
  expect(await passing).toMatchObject({ ok: true, sent: 1 });
  await off();
  expect(await world.find(id)).toMatchObject({ isSent: true, delivery: { state: "sent" } });
});

test("the claim fails: 503 with the reason, nothing posted, and the next pass sends", async () => {
  const world = await createWorld();
  await world.insert({});
  const off = await failCommands(world, "alwaysOn", { failCommands: ["aggregate"], errorCode: 13 });
  const response = await world.call();
  await off();
  expect(response.status).toBe(503);
  expect(((await response.json()) as Summary).errors).toMatchObject([{ code: "database_refused" }]);
  expect(world.waha.ledger).toHaveLength(0);
  expect(await world.pass()).toMatchObject({ sent: 1 });
});

test("a database that stops during a pass: the pass answers with the reason, and afterwards ledger and database agree", async () => {
  const mongod = await startMongod({ port: await freePort() });
  onTestFinished(() => mongod.stop());
  const world = await createWorld({ latencyMs: 5, engine: "NOWEB" });
  const own = new MongoClient(mongod.url("app"));
  onTestFinished(() => own.close());
  const messages = own.db().collection("messages");
  world.env.DATABASE_URL = mongod.url("app");
  const texts = Array.from({ length: 40 }, (_, n) => `m${n}`);
  await messages.insertMany(
    texts.map((content, n) => ({
      chatId: "491701234567",
      content,
      sessionId: "default",
      scheduledAt: ago(30 - n / 2),
      isSent: false,
      isDeleted: false,
      isPicked: false,
    })),
  );
  const hostClock = jumpingClock();
  const passing = world.call("", { hostClock });
  await world.waha.accepted(5);
  await mongod.pause();
  // It tries to record its outcomes for as long as it lasts.
  hostClock.jump(57_900);
  const response = await passing;
  expect(response.status).toBe(503);
  const body = (await response.json()) as Summary;
  expect(body.ok).toBe(false);
  expect(body.errors.map((error) => error.code)).toContain("database_unreachable");
  await mongod.resume();
  const passLater = async () => {
    await makePast(own.db());
    await world.pass();
  };
  await passLater();
  // The dead pass's driver may bring a last write to the database after that: what it gives back so late is for a later
  // pass, as in life.
  const unsettled = async () => {
    await passLater();
    return messages.distinct("delivery.state", { "delivery.state": { $nin: ["sent", "unknown"] } });
  };
  await expect.poll(unsettled).toEqual([]);
  const accepted = world.waha.ledger.map((entry) => entry.text);
  expect(new Set(accepted).size).toBe(accepted.length);
  for (const { content, isSent, delivery } of await messages.find({}).toArray()) {
    const was = accepted.includes(content);
    expect([content, isSent, delivery.state]).toEqual([content, was, was ? "sent" : "unknown"]);
  }
});
