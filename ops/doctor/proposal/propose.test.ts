import fc from "fast-check";
import { type Document, ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../lib/config.ts";
import type { Mapping } from "../../../lib/documents/mapping.ts";
import { parseMapping } from "../../../lib/documents/parse.ts";
import { closeDatabases, openDatabase } from "../../../lib/mongo/client.ts";
import { ago, createWorld, type World } from "../../../test/support/world.ts";
import { type Proposal, propose } from "./propose.ts";

const flags = { isSent: false, isDeleted: false, isPicked: false, scheduledAt: ago(10) };

/** What is proposed for a collection, with all that the database holds. */
async function proposed(world: World, collection: string): Promise<Proposal | undefined> {
  const db = openDatabase(parseConfig(world.env));
  await db.connect();
  const names = (await world.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
  return propose(db, collection, names);
}

function mappingOf(proposal: Proposal | undefined): Mapping {
  const read = parseMapping(proposal?.documents ?? "");
  if (!("mapping" in read)) throw new Error(read.problems.join("; "));
  return read.mapping;
}

test("a schema of other names is read from its documents and those that they refer to", async () => {
  const world = await createWorld();
  const account = { _id: new ObjectId(), session_name: "default", owner: "Anna" };
  const broadcast = {
    _id: new ObjectId(),
    title: "Spring",
    state: "PAUSED",
    account: account._id,
    is_deleted: false,
  };
  await world.db.collection("wa_accounts").insertOne(account);
  await world.db.collection("broadcasts").insertOne(broadcast);
  await world.db.collection("outbox").insertOne({
    ...flags,
    broadcast: broadcast._id.toHexString(),
    account: account._id,
    to: "491701234567@c.us",
    note: "first",
    body: "Hello Anna, the sale starts today.",
    imageUrl: null,
    hasImage: false,
  });
  const proposal = await proposed(world, "outbox");
  expect(mappingOf(proposal)).toMatchObject({
    messages: {
      collection: "outbox",
      campaignId: "broadcast",
      sessionId: "account",
      chatId: "to",
      content: "body",
      media: [{ kind: "image", url: "imageUrl", when: "hasImage" }],
      failed: null,
    },
    campaigns: {
      collection: "broadcasts",
      sessionId: "account",
      chatId: null,
      groupId: null,
      name: "title",
      status: "state",
      deleted: "is_deleted",
      sending: null,
      completedWord: null,
      failedWord: null,
      hold: ["paused", "cancelled", "PAUSED"],
    },
    groups: null,
    sessions: { collection: "wa_accounts", name: "session_name" },
  });
  expect(proposal?.reasons).toEqual([
    "content: body (by its name)",
    "chatId: to (holds …@c.us)",
    "campaignId: broadcast (ids of broadcasts)",
    "sessionId: account (ids of wa_accounts)",
  ]);
});

test("what is proposed sends: the next pass with it finds the message", async () => {
  const world = await createWorld();
  const account = await world.db.collection("numbers").insertOne({ name: "default" });
  await world.db.collection("outbox").insertOne({
    ...flags,
    accountId: account.insertedId.toHexString(),
    phone: "491701234567",
    text: "Hello Anna",
  });
  expect((await world.pass()).ok).toBe(false);
  world.env.DOCUMENTS = (await proposed(world, "outbox"))?.documents;
  expect(await world.pass()).toMatchObject({ ok: true, sent: 1, errors: [] });
  expect(world.waha.ledger).toMatchObject([{ chatId: "491701234567@c.us", text: "Hello Anna" }]);
});

test("chats that stand on the campaigns' groups are found there", async () => {
  const world = await createWorld();
  await world.db.collection("phones").insertOne({ _id: "s1" as never, sessionName: "default" });
  await world.db.collection("audiences").insertOne({ _id: "g1" as never, waId: "120363021234567890@g.us" });
  await world.db
    .collection("campaign_runs")
    .insertOne({ _id: "c1" as never, sessionId: "s1", groupId: "g1", status: "live" });
  await world.db
    .collection("outbox")
    .insertOne({ ...flags, campaignRef: "c1", text: "Hello everybody there" });
  const proposal = await proposed(world, "outbox");
  expect(mappingOf(proposal)).toMatchObject({
    messages: { campaignId: "campaignRef", chatId: null, sessionId: null },
    campaigns: { collection: "campaign_runs", sessionId: "sessionId", groupId: "groupId" },
    groups: { collection: "audiences", chatId: "waId" },
    sessions: { collection: "phones", name: "sessionName" },
  });
  expect(proposal?.reasons).toContain("chatId: that of its campaign");
  world.env.DOCUMENTS = proposal?.documents;
  expect(await world.pass()).toMatchObject({ ok: true, sent: 1 });
});

test("what no field speaks for is said", async () => {
  const world = await createWorld();
  await world.db.collection("outbox").insertOne({ ...flags, n: 1 });
  const proposal = await proposed(world, "outbox");
  expect(mappingOf(proposal).messages).toMatchObject({ collection: "outbox", campaignId: null });
  expect(proposal?.reasons).toEqual([
    "content: none found",
    "chatId: none found",
    "campaignId: none found",
    "sessionId: none found",
  ]);
});

test.each([
  ["numbers in several collections are ids of the likely one", 7, "campaigns-2"],
  ["a text with spaces is no reference", "spring sale", undefined],
])("%s", async (_what, campaign, collection) => {
  const world = await createWorld();
  await world.db.collection("a-list").insertOne({ _id: 7 as never });
  await world.db.collection("campaigns-2").insertOne({ _id: 7 as never });
  await world.db.collection("outbox").insertOne({ ...flags, campaign });
  const { campaigns, messages } = mappingOf(await proposed(world, "outbox"));
  expect(messages.campaignId).toBe(collection ? "campaign" : null);
  expect(campaigns.collection).toBe(collection ?? "campaigns");
});

test("a collection whose name another part has by default gets no more than goes together", async () => {
  const world = await createWorld();
  await world.db
    .collection("campaigns")
    .insertOne({ ...flags, chatId: "491701234567@c.us", content: "Hello you" });
  expect(await proposed(world, "campaigns")).toBeUndefined();
});

describe("whatever documents hold", () => {
  const name = fc.oneof(
    fc.constantFrom("chatId", "to", "text", "body", "campaign", "sessionId", "imageUrl", "delivery", "it's"),
    fc.string({ maxLength: 20 }).filter((key) => key !== "_id" && !key.includes("\0") && key !== "__proto__"),
  );
  const value = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom<unknown>(
      null,
      true,
      7,
      new Date(),
      new ObjectId(),
      [],
      {},
      "491701234567@c.us",
      "c1",
      "https://x.test/a",
    ),
  );
  const document = fc.dictionary(name, value, { maxKeys: 12 });

  test("the proposal is taken for DOCUMENTS, and holds no quote that ends it", async () => {
    const world = await createWorld();
    await fc.assert(
      fc.asyncProperty(fc.array(document, { minLength: 1, maxLength: 3 }), async (documents) => {
        await world.db.dropDatabase();
        await world.db
          .collection<Document>("out'box")
          .insertMany(documents.map((each) => ({ ...each, ...flags })));
        await world.db
          .collection<Document>("campaign list")
          .insertOne({ _id: "c1" as never, ...documents[0] });
        const proposal = await proposed(world, "out'box");
        expect(mappingOf(proposal).messages.collection).toBe("out'box");
        expect(proposal?.documents).not.toContain("'");
        expect(proposal?.documents).not.toContain("\n");
      }),
      { numRuns: 60 },
    );
    await closeDatabases();
  });
});
