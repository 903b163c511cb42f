import { expect, onTestFinished, test } from "vitest";
import { messageOf } from "../../../lib/problems.ts";
import { askStatus, readPage, readStatus } from "../../support/status.ts";
import { createWorld, type World } from "../../support/world.ts";

/** Has the database give up, for its slowness, what the function asks of one collection. */
async function slowDown(world: World, collection: string, command: string): Promise<void> {
  const admin = world.db.admin();
  const { databaseName: appName } = world.db;
  const data = { failCommands: [command], errorCode: 50, appName, namespace: `${appName}.${collection}` };
  await admin.command({ configureFailPoint: "failCommand", mode: "alwaysOn", data });
  onTestFinished(async () => void (await admin.command({ configureFailPoint: "failCommand", mode: "off" })));
}

test.each([
  ["the campaigns", "campaigns", "find", { campaigns: null }],
  ["the history", "scheduler", "aggregate", { hour: null, day: null, minutes: null, problems: null }],
])("where %s could not be read in time, the rest is told", async (_name, collection, command, missing) => {
  const world = await createWorld();
  await world.insert({});
  await world.pass();
  await slowDown(world, collection, command);
  expect(await readStatus(world)).toMatchObject({
    ...missing,
    ok: false,
    lastPass: { summary: { sent: 1 } },
    verdict: { level: "warning", headline: expect.stringContaining("the database is too slow") },
  });
  const page = await readPage(world);
  expect(page).toContain("Could not be read in time");
  expect(page).toContain("WhatsApp sessions");
});

test("where nothing can be told in time, that is what is said, and not that the database is away", async () => {
  const world = await createWorld();
  await world.pass();
  await slowDown(world, "messages", "aggregate");
  const response = await askStatus(world);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    errors: [{ code: "database_slow", message: messageOf("database_slow") }],
  });
  expect(await readPage(world)).toContain("<h1>The database is too slow: it gave up a search");
});

test("a WAHA that takes four seconds to answer can be reached", async () => {
  const world = await createWorld();
  await world.pass();
  world.waha.addFault({ match: { route: "sessions" }, times: 1, action: { type: "delay", ms: 4_000 } });
  expect((await readStatus(world)).waha).toMatchObject({ reachable: true });
});
