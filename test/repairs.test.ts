import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Document, Double, Int32, Long, ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { dashboardWorld } from "./support/dashboard.ts";
import { ago, createWorld, type World } from "./support/world.ts";

/*
 * The commands of the documentation, as a person pastes them into mongosh.
 */

/** The commands of a page that hold some words. */
function commands(page: string, words: string): string {
  const text = readFileSync(join(import.meta.dirname, "../docs", page), "utf8");
  const blocks = [...text.matchAll(/```js\n(.*?)```/gs)].map(([, code = ""]) => code);
  const found = blocks.filter((code) => code.includes(words));
  expect(found).toHaveLength(1);
  return found.join();
}

/** What mongosh's `db` offers, as far as the commands use it: it waits for what the driver promises. */
async function paste({ db }: World, code: string): Promise<void> {
  const ids = new Map<string, unknown[]>();
  for (const { name } of await db.listCollections().toArray())
    ids.set(name, await db.collection(name).distinct("_id"));
  const done: Promise<unknown>[] = [];
  const shell = new Proxy(
    {},
    {
      get: (_, name: string) => ({
        distinct: () => ids.get(name) ?? [],
        updateMany: (filter: Document, update: Document) =>
          done.push(db.collection(name).updateMany(filter, update)),
      }),
    },
  );
  new Function("db", "ObjectId", code)(shell, ObjectId);
  await Promise.all(done);
}

test("dates that are texts, seconds or milliseconds become dates; what can be none is left", async () => {
  const world = await createWorld();
  const moment = new Date("2027-03-01T08:00:00Z");
  const ms = moment.getTime();
  const written = [
    moment.toISOString(),
    "2027-03-01T09:00:00+01:00",
    new Int32(ms / 1000),
    new Double(ms / 1000),
    Long.fromNumber(ms),
    new Double(ms),
    "tomorrow",
  ];
  const ids = await world.insert(...written.map((scheduledAt) => ({ scheduledAt })));
  await paste(world, commands("documents.md", "isSeconds"));
  const found = await Promise.all(ids.map(async (id) => (await world.find(id)).scheduledAt));
  expect(found).toEqual([...written.slice(1).map(() => moment), "tomorrow"]);
});

test("messages whose campaign is gone are stopped, by plain's names and by the dashboard's", async () => {
  const plain = await createWorld();
  const { insertedId } = await plain.campaigns.insertOne({});
  await plain.insert({ campaignId: insertedId.toHexString() }, {}, { campaignId: "gone" });
  await paste(plain, commands("documents.md", "...known.map(String)"));
  expect(await plain.messages.distinct("campaignId", { isDeleted: true })).toEqual(["gone"]);
  const dashboard = await dashboardWorld();
  const campaign = await dashboard.campaign(await dashboard.session());
  await dashboard.message(campaign);
  await dashboard.message({ ...campaign, campaignId: "gone" });
  await paste(dashboard, commands("documents.md", 'db.MessageCampaign.distinct("_id")'));
  expect(await dashboard.messages.distinct("MessageCampaignId", { isDeleted: true })).toEqual(["gone"]);
});

test("what the dashboard's own scheduler gave up is picked_elsewhere no longer once it is decided about", async () => {
  const world = await dashboardWorld();
  const campaign = await world.campaign(await world.session());
  await world.message(campaign, { isPicked: true, isFailed: true, retryCount: 3, scheduledAt: ago(7200) });
  const codes = async () => (await world.pass()).errors.map(({ code }) => code);
  expect(await codes()).toEqual(["picked_elsewhere"]);
  await paste(world, commands("operations.md", "isFailed: true").replaceAll("cm…", campaign.campaignId));
  expect(await codes()).toEqual([]);
});
