import { MongoClient } from "mongodb";
import { expect, onTestFinished, test } from "vitest";
import { startMongod } from "../../dev/mongod/start.ts";
import { freePort } from "../support/ports.ts";
import { createWorld, message } from "../support/world.ts";

test("an instance whose database was down at its first call works at the second, when it is back", async () => {
  const mongod = await startMongod({ port: await freePort() });
  onTestFinished(() => mongod.stop());
  const world = await createWorld({}, { DATABASE_URL: mongod.url("outage") });
  const app = await new MongoClient(mongod.url("outage")).connect();
  await app.db().collection("messages").insertOne(message());
  await app.close();

  await mongod.pause();
  const down = await world.call();
  expect(down.status).toBe(503);
  expect(await down.json()).toMatchObject({ ok: false, errors: [{ code: "database_unreachable" }] });
  expect(world.waha.acceptedCount()).toBe(0);

  await mongod.resume();
  const back = await world.call();
  expect(back.status).toBe(200);
  expect(await back.json()).toMatchObject({ ok: true, sent: 1 });

  await mongod.pause();
  expect((await world.call()).status).toBe(503);
  await mongod.resume();
  expect(await world.pass()).toMatchObject({ ok: true, sent: 0 });
});
