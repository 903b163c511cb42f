import { expect, onTestFinished, test } from "vitest";
import { startMongod } from "../../../dev/mongod/start.ts";
import { messageOf } from "../../../lib/problems.ts";
import { createAlertedWorld } from "../../support/alerted-world.ts";
import { freePort } from "../../support/ports.ts";

test("a database that goes away is told once, and once more when it is back", async () => {
  const mongod = await startMongod({ port: await freePort() });
  onTestFinished(() => mongod.stop());
  const world = await createAlertedWorld({}, { DATABASE_URL: mongod.url("outage") });

  await mongod.pause();
  for (let pass = 0; pass < 2; pass += 1) expect(await world.callAndTell()).toBe(503);
  expect(world.told()).toEqual(["database standing"]);
  expect(world.alerts()[0]?.text).toContain(messageOf("database_unreachable"));

  await mongod.resume();
  for (let pass = 0; pass < 2; pass += 1) expect(await world.callAndTell()).toBe(200);
  expect(world.told()).toEqual(["database standing", "database over"]);
  expect(world.alerts()[1]?.text).toMatch(/: the database is back after \d+ s$/);
});
