import type { MongoClient } from "mongodb";
import { expect, test } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { openDatabase } from "../../lib/mongo/client.ts";
import { createWorld } from "../support/world.ts";

/** The client below an open database; the driver's types do not show it. */
function clientOf(world: { env: NodeJS.ProcessEnv }): MongoClient {
  const { messages } = openDatabase(parseConfig(world.env));
  return (messages as unknown as { client: MongoClient }).client;
}

test("an instance has one client, however often it is called", async () => {
  const world = await createWorld();
  expect(clientOf(world)).toBe(clientOf(world));
});

test("the platform hears when the pool's connections are used, and they close before it freezes the instance", async () => {
  const client = clientOf(await createWorld());
  expect(client.listenerCount("connectionCheckedOut")).toBeGreaterThan(0);
  expect(client.options.maxIdleTimeMS).toBe(5000);
});
