import type { Collection, Document } from "mongodb";
import { describe, expect, onTestFinished, test } from "vitest";
import { backgroundDone } from "../../lib/async.ts";
import { CAMPAIGN_INDEXES } from "../../lib/campaigns.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { writeLogTo } from "../../lib/log.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { closeDatabases } from "../../lib/mongo/client.ts";
import { recordCommands } from "../support/commands.ts";
import { failCommands } from "../support/fail-commands.ts";
import { jumpingClock } from "../support/jumping-clock.ts";
import { createWorld, message, type World } from "../support/world.ts";

const PLAIN = messageIndexes(MAPPINGS.plain.messages);

/** The names of all indexes but that of `_id`, sorted. One that is still being built is listed, too, but not used. */
async function namesOf(collection: Collection): Promise<string[]> {
  const used = await collection.aggregate([{ $indexStats: {} }]).toArray();
  return used
    .filter(({ building, name }) => !building && name !== "_id_")
    .map(({ name }) => String(name))
    .sort();
}

const wanted = (indexes = PLAIN): string[] => indexes.map(({ name }) => String(name)).sort();

const indexNamed = async (collection: Collection, name: string) =>
  (await collection.indexes()).find((index) => index.name === name);

/** A world with a message, and a pass by a clock that can jump. */
async function keptWorld(): Promise<{ world: World; pass: () => Promise<Document>; jump(ms: number): void }> {
  const world = await createWorld();
  await world.insert({});
  const hostClock = jumpingClock();
  return { world, pass: () => world.pass({ hostClock }), jump: hostClock.jump };
}

describe("the indexes", () => {
  test.each(["plain", "whatsapp-waha-dashboard"] as const)(
    "of the collections of %s are made, where these exist",
    async (DOCUMENTS) => {
      const world = await createWorld({}, { DOCUMENTS });
      const { campaigns, messages } = MAPPINGS[DOCUMENTS];
      await world.db.createCollection(messages.collection);
      await world.pass();
      const ofMessages = world.db.collection(messages.collection);
      await expect.poll(() => namesOf(ofMessages)).toEqual(wanted(messageIndexes(messages)));
      expect(await indexNamed(ofMessages, "scheduler_campaign")).toMatchObject({
        key: { [messages.campaignId]: 1, isDeleted: 1 },
        partialFilterExpression: { [messages.campaignId]: { $exists: true } },
      });
      const names = (await world.db.listCollections().toArray()).map(({ name }) => name);
      expect(names).not.toContain(campaigns.collection);
      await world.db.createCollection(campaigns.collection);
    },
  );

  test("are all partial, so that Prisma leaves them alone", () => {
    for (const { partialFilterExpression } of [...PLAIN, ...CAMPAIGN_INDEXES])
      expect(partialFilterExpression).toBeDefined();
  });

  test("are made by the next pass once a pass has seen the first message", async () => {
    const world = await createWorld();
    await world.pass();
    await backgroundDone();
    await world.insert({});
    expect(await world.pass()).toMatchObject({ sent: 1 });
    await world.pass();
    await expect.poll(() => namesOf(world.messages)).toEqual(wanted());
  });

  test("of a collection that appears later are made within ten minutes", async () => {
    const { world, pass, jump } = await keptWorld();
    await pass();
    await expect.poll(() => namesOf(world.messages)).toEqual(wanted());
    await world.campaigns.insertOne({ name: "spring" });
    jump(480_000);
    await pass();
    expect(await namesOf(world.campaigns)).toEqual([]);
    jump(60_000);
    await pass();
    await expect.poll(() => namesOf(world.campaigns)).toEqual(wanted(CAMPAIGN_INDEXES));
  });

  test.each<[string, (world: World) => Promise<unknown>]>([
    ["were dropped", ({ messages }) => messages.dropIndexes()],
    [
      "went with their collection, which was made anew",
      async ({ messages }) => {
        await messages.drop();
        await messages.insertOne(message());
      },
    ],
    [
      "were dropped one by one, as by prisma db push",
      ({ messages }) => messages.dropIndex("scheduler_campaign"),
    ],
  ])("that %s are there again within ten minutes, with a pass a minute", async (_how, vanish) => {
    const { world, pass, jump } = await keptWorld();
    await pass();
    await expect.poll(() => namesOf(world.messages)).toEqual(wanted());
    await vanish(world);
    jump(480_000);
    await pass();
    expect((await namesOf(world.messages)).length).toBeLessThan(PLAIN.length);
    jump(60_000);
    await pass();
    await expect.poll(() => namesOf(world.messages)).toEqual(wanted());
  });

  test("cost two requests a check, and none in between", async () => {
    const { world, pass, jump } = await keptWorld();
    const commands = recordCommands(world);
    const requests = () => commands.filter(({ name }) => /Indexes$/.test(name)).map(({ name }) => name);
    await pass();
    await expect.poll(() => namesOf(world.messages)).toEqual(wanted());
    expect(requests().sort()).toEqual(["createIndexes", "listIndexes", "listIndexes"]);
    await pass();
    jump(480_000);
    await pass();
    expect(requests()).toHaveLength(3);
    jump(60_000);
    await pass();
    await expect.poll(requests).toHaveLength(5);
    expect(requests().slice(3)).toEqual(["listIndexes", "listIndexes"]);
  });

  test("that are being made are waited for as connections are closed", async () => {
    const { world, pass } = await keptWorld();
    const build = { failCommands: ["createIndexes"], blockConnection: true, blockTimeMS: 5_000 };
    await failCommands(world, "alwaysOn", build);
    expect(await pass()).toMatchObject({ sent: 1 });
    expect(await namesOf(world.messages)).toEqual([]);
    await closeDatabases();
    expect(await namesOf(world.messages)).toEqual(wanted());
  });
});

describe("an index of the same name", () => {
  test("over the fields of another mapping is dropped, and the right one made", async () => {
    const world = await createWorld();
    await world.insert({});
    await world.pass();
    await expect.poll(() => namesOf(world.messages)).toEqual(wanted());
    world.env.DOCUMENTS = JSON.stringify({ messages: { campaignId: "campaign" } });
    await world.pass();
    await expect
      .poll(() => indexNamed(world.messages, "scheduler_campaign"))
      .toMatchObject({
        key: { campaign: 1 },
        partialFilterExpression: { campaign: { $exists: true } },
      });
    await expect.poll(() => namesOf(world.messages)).toEqual(wanted());
  });

  test.each<[string, (messages: Collection) => Promise<unknown>]>([
    [
      "without its partial filter",
      (messages) => messages.createIndex({ scheduledAt: 1 }, { name: "scheduler_due" }),
    ],
    [
      "with another filter",
      (messages) =>
        messages.createIndex(
          { scheduledAt: 1 },
          { name: "scheduler_due", partialFilterExpression: { isSent: false } },
        ),
    ],
    [
      "with its keys in another order",
      (messages) => {
        const [index] = PLAIN.filter(({ name }) => name === "scheduler_wrong_date");
        return messages.createIndex(
          { isPicked: 1, scheduledAt: 1 },
          {
            name: "scheduler_wrong_date",
            partialFilterExpression: index?.partialFilterExpression ?? {},
          },
        );
      },
    ],
    [
      "with a collation",
      (messages) =>
        messages.createIndex(
          { scheduledAt: 1 },
          {
            name: "scheduler_due",
            collation: { locale: "en", strength: 1 },
            partialFilterExpression: { isSent: false, isDeleted: false, isPicked: false },
          },
        ),
    ],
  ])("%s is replaced", async (_how, create) => {
    const { world, pass } = await keptWorld();
    await create(world.messages);
    expect(await pass()).toMatchObject({ errors: [] });
    const listed = async () =>
      (await world.messages.indexes())
        .filter(({ name }) => name !== "_id_")
        .map(({ name, key, partialFilterExpression, collation }) => ({
          name,
          // Their order matters.
          key: JSON.stringify(key),
          partialFilterExpression,
          collation,
        }));
    const simple = PLAIN.map(({ key, ...index }) => ({
      ...index,
      key: JSON.stringify(key),
      collation: undefined,
    }));
    await expect.poll(listed).toEqual(expect.arrayContaining(simple));
    await expect.poll(() => namesOf(world.messages)).toEqual(wanted());
  });
});

test("an index is dropped when the pass is over: the server ends queries whose index is dropped", async () => {
  const { world, pass } = await keptWorld();
  await world.messages.createIndex({ scheduledAt: 1 }, { name: "scheduler_due" });
  const commands = recordCommands(world);
  expect(await pass()).toMatchObject({ ok: true, sent: 1 });
  const namesOfCommands = () => commands.map(({ name }) => name);
  await expect.poll(namesOfCommands).toContain("dropIndexes");
  const record = commands.findIndex(({ command }) => JSON.stringify(command).includes('"last-pass"'));
  expect(record).toBeGreaterThan(0);
  expect(namesOfCommands().indexOf("dropIndexes")).toBeGreaterThan(record);
  await expect.poll(() => namesOf(world.messages)).toEqual(wanted());
});

describe("an index of the app's", () => {
  const due = { isSent: false, isDeleted: false, isPicked: false };

  test("with the same keys and filter counts as there", async () => {
    const { world, pass, jump } = await keptWorld();
    await world.messages.createIndex({ scheduledAt: 1 }, { name: "mine", partialFilterExpression: due });
    await pass();
    await expect
      .poll(() => namesOf(world.messages))
      .toEqual([...wanted().filter((name) => name !== "scheduler_due"), "mine"].sort());
    jump(600_000);
    await pass();
    expect(await pass()).toMatchObject({ errors: [] });
  });

  test("with the same keys and no filter stays, beside the scheduler's", async () => {
    const { world, pass } = await keptWorld();
    await world.messages.createIndex({ scheduledAt: 1 }, { name: "mine" });
    await pass();
    await expect.poll(() => namesOf(world.messages)).toEqual(["mine", ...wanted()].sort());
  });

  test("that is hidden does not count, and what it keeps from being made is named", async () => {
    const { world, pass } = await keptWorld();
    await world.messages.createIndex(
      { scheduledAt: 1 },
      { name: "mine", partialFilterExpression: due, hidden: true },
    );
    await pass();
    await expect.poll(async () => (await pass()).errors).toMatchObject([{ code: "indexes_missing" }]);
    const [error] = (await pass()).errors;
    expect(error).toEqual({
      code: "indexes_missing",
      count: 1,
      message: expect.stringMatching(/\(scheduler_due\)$/),
    });
    expect(await namesOf(world.messages)).toEqual(
      ["mine", ...wanted()].filter((name) => name !== "scheduler_due"),
    );
  });
});

test("in a collection with a collation of its own the indexes have the simple one", async () => {
  const world = await createWorld();
  const collation = { locale: "de", strength: 1 };
  await world.db.createCollection("messages", { collation });
  await world.db.createCollection("campaigns", { collation });
  await world.insert({});
  await world.pass();
  const withId = (names: unknown[]) => [...names, "scheduler_id"].sort();
  await expect.poll(() => namesOf(world.messages)).toEqual(withId(wanted()));
  await expect.poll(() => namesOf(world.campaigns)).toEqual(withId(wanted(CAMPAIGN_INDEXES)));
  for (const { name, collation: own } of await world.messages.indexes())
    expect({ name, own }).toEqual({
      name,
      own: name === "_id_" ? expect.objectContaining(collation) : undefined,
    });
});

describe("an index that can't be made", () => {
  /** The lines that a pass logs, from now on. */
  function logged(world: World): Document[] {
    const lines: Document[] = [];
    writeLogTo({ write: (line: string) => void lines.push(JSON.parse(line)) });
    onTestFinished(() => writeLogTo({ write: () => {} }));
    world.env.LOG_LEVEL = "warn";
    return lines;
  }

  test("for lists in two of its fields keeps no other from being made, and is named with the reason", async () => {
    const { world, pass } = await keptWorld();
    const lines = logged(world);
    await world.messages.insertOne(message({ campaignId: ["a", "b"], isDeleted: [true, false] }));
    await pass();
    const others = wanted().filter((name) => name !== "scheduler_campaign");
    await expect.poll(() => namesOf(world.messages)).toEqual(others);
    await expect
      .poll(async () => (await pass()).errors)
      .toMatchObject([
        { code: "indexes_missing", count: 1, message: expect.stringMatching(/\(scheduler_campaign\)$/) },
      ]);
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: "indexes could not be created",
        indexes: [{ name: "scheduler_campaign", reason: "documents hold lists in two of its fields" }],
      }),
    );
  });

  test("is made, and told no more, once its cause is gone", async () => {
    const { world, pass, jump } = await keptWorld();
    const odd = message({ campaignId: ["a", "b"], isDeleted: [true, false] });
    await world.messages.insertOne(odd);
    await pass();
    await expect.poll(async () => (await pass()).errors).toMatchObject([{ code: "indexes_missing" }]);
    await world.messages.deleteOne({ _id: odd._id });
    jump(540_000);
    await expect.poll(async () => (await pass()).errors).toEqual([]);
    expect(await namesOf(world.messages)).toEqual(wanted());
  });

  test.each(["createIndexes", "listIndexes"])(
    "as the user may not (%s) is named: five of them, and how many there are",
    async (command) => {
      const { world, pass } = await keptWorld();
      await failCommands(world, "alwaysOn", { failCommands: [command], errorCode: 13 });
      const first = await world.pass();
      expect(first).toMatchObject({ ok: true, sent: 1 });
      await expect.poll(async () => (await pass()).errors.length).toBe(1);
      const [error] = (await pass()).errors;
      expect(error.code).toBe("indexes_missing");
      expect(error.count).toBeGreaterThanOrEqual(PLAIN.length);
      expect(/\(([^()]*)\)$/.exec(error.message)?.[1]?.split(", ")).toHaveLength(5);
    },
  );

  test("as its collection is a view is named, and the view is left alone", async () => {
    const world = await createWorld();
    await world.db.collection("source").insertOne(message());
    await world.db.createCollection("messages", { viewOn: "source", pipeline: [] });
    await world.call();
    const named = async () =>
      ((await (await world.call()).json()) as { errors: Document[] }).errors.map(({ code }) => code);
    await expect.poll(named).toContain("indexes_missing");
    expect(await namesOf(world.db.collection("source"))).toEqual([]);
  });
});

/** The server's code for a time limit of its own, on which the driver tries a read once more. */
const NOT_JUST_NOW = 262;

test("a check that the database could not serve just then is made again after a minute, and nothing is told as missing", async () => {
  const { world, pass, jump } = await keptWorld();
  await failCommands(world, { times: 4 }, { failCommands: ["listIndexes"], errorCode: NOT_JUST_NOW });
  const commands = recordCommands(world);
  const lists = () => commands.filter(({ name }) => name === "listIndexes").length;
  await pass();
  // Each read is tried twice.
  await expect.poll(lists).toBe(4);
  jump(30_000);
  expect(await pass()).toMatchObject({ errors: [] });
  expect(lists()).toBe(4);
  jump(30_000);
  await pass();
  await expect.poll(() => namesOf(world.messages)).toEqual(wanted());
});

test("nothing of a pass waits for a check", async () => {
  const { world, pass } = await keptWorld();
  const blockTimeMS = 10_000;
  const hanging = { failCommands: ["listIndexes"], blockConnection: true, blockTimeMS };
  const off = await failCommands(world, "alwaysOn", hanging);
  const summary = await pass();
  await off();
  expect(summary).toMatchObject({ ok: true, sent: 1, errors: [] });
  expect(summary.durationMs).toBeLessThan(blockTimeMS);
});
