import { expect, test } from "vitest";
import { parseConfig } from "../../../lib/config.ts";
import { MAPPINGS } from "../../../lib/documents/mapping.ts";
import { messageIndexes } from "../../../lib/messages/indexes.ts";
import { openDatabase } from "../../../lib/mongo/client.ts";
import { findCampaigns } from "../../../lib/monitoring/status/campaigns.ts";
import { messageOf } from "../../../lib/problems.ts";
import { explainStages, recordCommands } from "../../support/commands.ts";
import { failCommands } from "../../support/fail-commands.ts";
import { askStatus, readPage, readStatus } from "../../support/status.ts";
import { ago, createWorld, type World } from "../../support/world.ts";

/** Has the database give up, for its slowness, what the function asks of one collection. */
async function slowDown(world: World, collection: string, command: string): Promise<void> {
  const namespace = `${world.db.databaseName}.${collection}`;
  await failCommands(world, "alwaysOn", { failCommands: [command], errorCode: 50, namespace });
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

test("where receipts could not be counted in time, the campaigns are told all the same", async () => {
  const world = await createWorld();
  const counts = { total: 3, sent: 3, failed: 0, missed: 0, unknown: 0 };
  const delivery = { open: false, rev: 1, settledAt: ago(600), counts };
  const { insertedId: campaignId } = await world.campaigns.insertOne({ name: "Over", delivery });
  await world.insert({ campaignId });
  await slowDown(world, "messages", "aggregate");
  const db = openDatabase(parseConfig(world.env));
  const { ended } = await findCampaigns(db, new Date(), true, { maxTimeMS: 5_000 });
  expect(ended.shown).toMatchObject([{ name: "Over", counts, receipts: null }]);
});

test("the count of a campaign's messages reads the index alone, also where receipts are counted beside it", async () => {
  const world = await createWorld();
  await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
  const { insertedId: campaignId } = await world.campaigns.insertOne({ delivery: { open: true, rev: 1 } });
  await world.insert({ campaignId }, { campaignId });
  const commands = recordCommands(world);
  const db = openDatabase(parseConfig(world.env));
  const { shown } = await findCampaigns(db, new Date(), true, { maxTimeMS: 5_000 });
  expect(shown).toMatchObject([{ counts: { total: 2 }, receipts: { delivered: 0 } }]);
  const counting = commands.filter(
    ({ collection, name }) => name === "aggregate" && collection === "messages",
  );
  const stages = await Promise.all(counting.map((query) => explainStages(world, query)));
  expect(stages.map((names) => names.includes("FETCH")).sort()).toEqual([false, true]);
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
