import { ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { CAMPAIGN_INDEXES } from "../../../lib/campaigns.ts";
import { MAPPINGS } from "../../../lib/documents/mapping.ts";
import { messageIndexes } from "../../../lib/messages/indexes.ts";
import { expectServedByIndexes, recordCommands } from "../../support/commands.ts";
import { readPage, readStatus } from "../../support/status.ts";
import { ago, createWorld, message } from "../../support/world.ts";

const attempt = { state: "attempting", passId: "p", attemptAt: ago(5), nextLookupAt: ago(-60) };

test("counts stop at a thousand, and say so", async () => {
  const world = await createWorld();
  await world.messages.insertMany(Array.from({ length: 1500 }, () => message()));
  expect((await readStatus(world)).now.due).toEqual({ count: 1000, more: true });
});

test.each([
  [1000, 0, "1,000", false],
  [1001, 5, "1,005", true],
])(
  "of %i messages without one flag and %i without another %s are told, more: %s",
  async (some, others, shown, more) => {
    const world = await createWorld();
    await world.messages.insertMany([
      ...Array.from({ length: some }, () => message({ isSent: null })),
      ...Array.from({ length: others }, () => message({ isPicked: null })),
    ]);
    const [found] = (await readStatus(world)).documents ?? [];
    expect(found).toMatchObject({ code: "flags_missing", count: Math.min(some, 1000) + others, more });
    expect(await readPage(world)).toMatch(
      new RegExp(`<b>Messages lack [^<]*: ${shown}${more ? "\\+" : ""}\\.</b>`),
    );
  },
);

test("of many campaigns twenty are told, and of one with very many messages no counts", async () => {
  const world = await createWorld();
  const campaignId = new ObjectId();
  const delivery = { open: true, rev: 1 };
  await world.campaigns.insertOne({ _id: campaignId, name: { odd: true }, delivery });
  await world.campaigns.insertMany(
    Array.from({ length: 25 }, (_, n) => ({
      name: `c${n}`,
      delivery: { ...delivery, checkedAt: ago(n) },
    })),
  );
  await world.messages.insertMany(
    Array.from({ length: 10_001 }, () => message({ campaignId, isSent: true })),
  );
  const { campaigns } = await readStatus(world);
  expect(campaigns?.shown).toHaveLength(20);
  expect(campaigns?.more).toBe(true);
  expect(campaigns?.shown[0]).toEqual({
    id: campaignId.toHexString(),
    name: null,
    status: null,
    counts: null,
    receipts: null,
  });
});

test("there are few searches, each by an index and with a bound", async () => {
  const world = await createWorld();
  await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
  await world.campaigns.createIndexes(CAMPAIGN_INDEXES);
  const { insertedId: campaignId } = await world.campaigns.insertOne({ name: "live", sessionId: "default" });
  await world.insert(
    { campaignId },
    { campaignId, scheduledAt: ago(-600) },
    { isPicked: true, delivery: attempt },
  );
  await world.messages.insertMany(
    Array.from({ length: 2000 }, () => message({ isSent: true, isPicked: true })),
  );
  await world.pass();
  const commands = recordCommands(world);
  const { campaigns } = await readStatus(world);
  expect(campaigns?.shown).toHaveLength(1);
  const queries = commands.filter(({ name }) => name === "find" || name === "aggregate");
  expect(queries).toHaveLength(11);
  expect(commands.filter(({ name }) => !["find", "aggregate", "hello"].includes(name))).toEqual([]);
  const times = (text: string, word: string) => text.split(word).length - 1;
  for (const query of queries) {
    const text = JSON.stringify(query.command);
    // The history's are by _id, of which there are as many as a day has minutes.
    if (query.name === "find") expect(query.command.limit, text).toBeGreaterThan(0);
    else if (query.collection === "messages")
      expect(times(text, '"$limit"'), text).toBe(times(text, '"$match"'));
  }
  await expectServedByIndexes(world, queries);
});
