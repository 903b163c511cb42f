import { ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import { backgroundDone } from "../../lib/async.ts";
import type { Summary } from "../../lib/monitoring/report.ts";
import { recordCommands } from "../support/commands.ts";
import {
  dashboardCampaign,
  dashboardGroup,
  dashboardMessage,
  dashboardSession,
  dashboardStatus,
  dashboardWorld,
  MESSAGE_STATES,
} from "../support/dashboard.ts";
import { failCommands } from "../support/fail-commands.ts";
import { jumpingClock } from "../support/jumping-clock.ts";
import { logged } from "../support/log.ts";
import { readPage, readStatus } from "../support/status.ts";
import { ago, createWorld, message, type World } from "../support/world.ts";

const DAY = 86_400;

/** The dashboard's collections, in a world whose settings say nothing of them; `fields` are its message's. */
async function foreignWorld(fields = {}, settings: NodeJS.ProcessEnv = {}): Promise<World> {
  const world = await createWorld({}, settings);
  const session = dashboardSession();
  const group = dashboardGroup(session._id);
  const campaign = dashboardCampaign(session._id, group._id);
  await world.db.collection("WhatsAppSession").insertOne(session);
  await world.db.collection("WhatsAppGroup").insertOne(group);
  await world.db.collection("MessageCampaign").insertOne(campaign);
  await world.db.collection("Message").insertOne(dashboardMessage(session._id, campaign._id, fields));
  return world;
}

const namesOf = async (world: World) =>
  (await world.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name).sort();

const found = (summary: Summary) => summary.errors.find(({ code }) => code === "documents_not_found");

describe("a database whose messages are elsewhere", () => {
  test("makes each pass not ok, naming the collection and the setting", async () => {
    const world = await foreignWorld();
    for (let pass = 0; pass < 3; pass += 1) {
      const summary = await world.pass();
      expect(summary).toMatchObject({ ok: false, claimed: 0 });
      expect(found(summary)).toEqual({
        code: "documents_not_found",
        count: 1,
        message: expect.stringContaining(
          "Set DOCUMENTS as npm run doctor proposes (Message: DOCUMENTS=whatsapp-waha-dashboard)",
        ),
      });
    }
  });

  test("has nothing new after passes but the scheduler's own collection", async () => {
    const world = await foreignWorld();
    const before = await namesOf(world);
    const indexes = await world.db.collection("Message").indexes();
    const hostClock = jumpingClock();
    for (let pass = 0; pass < 3; pass += 1) {
      await world.pass({ hostClock });
      await backgroundDone();
      hostClock.jump(700_000);
    }
    expect(await namesOf(world)).toEqual([...before, "scheduler"].sort());
    expect(await world.db.collection("Message").indexes()).toEqual(indexes);
  });

  test("is told by the status page as what is bad", async () => {
    const world = await foreignWorld();
    await world.pass();
    expect(await readStatus(world)).toMatchObject({
      ok: false,
      verdict: {
        level: "bad",
        headline: "Messages outside DOCUMENTS are not sent",
        detail: expect.stringContaining("DOCUMENTS=whatsapp-waha-dashboard"),
      },
    });
    expect(await readPage(world)).toContain("DOCUMENTS=whatsapp-waha-dashboard");
  });

  test("is told by a line of the log, with the code and where it is explained", async () => {
    const world = await foreignWorld({}, { LOG_LEVEL: "warn" });
    const lines = await logged(() => world.pass());
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 40,
        code: "documents_not_found",
        detail: "Message: DOCUMENTS=whatsapp-waha-dashboard",
        help: expect.stringContaining("docs/errors.md#documents_not_found"),
      }),
    );
  });

  test("is told by a dry run as by a pass", async () => {
    const world = await foreignWorld();
    const { errors } = (await (await world.call("?dryRun=true")).json()) as Summary;
    expect(errors).toEqual([found(await world.pass())]);
  });

  test("is sent once the setting says where they are", async () => {
    const world = await foreignWorld();
    expect((await world.pass()).ok).toBe(false);
    world.env.DOCUMENTS = "whatsapp-waha-dashboard";
    expect(await world.pass()).toMatchObject({ ok: true, sent: 1, errors: [] });
  });

  test("is told of by the other name, too: plain messages under the dashboard's mapping", async () => {
    const world = await createWorld({}, { DOCUMENTS: "whatsapp-waha-dashboard" });
    await world.insert({});
    expect(found(await world.pass())?.message).toContain("(messages: DOCUMENTS=plain)");
  });

  test("is named without a mapping where none that ships fits", async () => {
    const world = await createWorld();
    await world.db.collection("outbox").insertOne(message());
    expect(found(await world.pass())?.message).toMatch(/\(outbox\)$/);
  });

  test.each<[string, NodeJS.ProcessEnv, string, object]>([
    ["the dashboard's", {}, "Message", {}],
    ["the dashboard's without its campaigns", {}, "Message", { MessageCampaignId: "c1" }],
    ["plain", { DOCUMENTS: "whatsapp-waha-dashboard" }, "messages", { chatId: undefined }],
  ])("is not taken for %s by the collection's name alone", async (_what, settings, collection, fields) => {
    const world = await createWorld({}, settings);
    const document = { ...message(), ...fields };
    await world.db.collection(collection).insertOne(document, { ignoreUndefined: true });
    expect(found(await world.pass())?.message).toMatch(new RegExp(`\\(${collection}\\)$`));
  });
});

describe("what looks like messages and is due", () => {
  test.each([
    ["within a day past", { scheduledAt: ago(DAY - 60) }, false],
    ["over a day past", { scheduledAt: ago(DAY + 60) }, true],
    ["in a month", { scheduledAt: ago(-30 * DAY) }, false],
    ["sent", MESSAGE_STATES.sentByTheApp, true],
    ["deleted", { isDeleted: true }, true],
    ["picked by the app's own scheduler", { isPicked: true }, false],
  ])("%s: ok is as expected", async (_when, fields, ok) => {
    const summary = await (await foreignWorld(fields)).pass();
    expect(summary.ok).toBe(ok);
    expect(found(summary) === undefined).toBe(ok);
  });

  test("counts only with all three flags", async () => {
    const world = await createWorld();
    const { isPicked: _none, ...document } = message();
    await world.db.collection("outbox").insertOne(document);
    expect(await world.pass()).toMatchObject({ ok: true, errors: [] });
  });

  test("is not the dashboard's stories", async () => {
    const world = await createWorld();
    await world.db.collection("Status").insertOne(dashboardStatus("session", "campaign"));
    expect(await world.pass()).toMatchObject({ ok: true, errors: [] });
  });

  test("is not a view", async () => {
    const world = await foreignWorld({ isSent: true });
    await world.db.createCollection("open", {
      viewOn: "Message",
      pipeline: [{ $set: { isSent: false } }],
    });
    expect(await world.pass()).toMatchObject({ ok: true, errors: [] });
  });

  test("is looked for among the newest five thousand, however many there are", async () => {
    const world = await createWorld();
    const outbox = world.db.collection("outbox");
    await outbox.insertOne(message());
    await outbox.insertMany(Array.from({ length: 4_999 }, () => message({ isSent: true })));
    expect(found(await world.pass())).toBeDefined();
    const other = await createWorld();
    const older = other.db.collection("outbox");
    await older.insertOne(message());
    await older.insertMany(Array.from({ length: 5_000 }, () => message({ isSent: true })));
    expect(await other.pass()).toMatchObject({ ok: true, errors: [] });
  });

  test("is told of also where another collection takes too long to search", async () => {
    const world = await foreignWorld();
    await world.db.collection("outbox").insertOne(message());
    const namespace = `${world.db.databaseName}.outbox`;
    await failCommands(world, "alwaysOn", { failCommands: ["aggregate"], namespace, errorCode: 50 });
    const summary = await world.pass();
    expect(found(summary)).toMatchObject({ count: 1, message: expect.stringContaining("(Message:") });
  });

  test("is found among many collections, of which fifty are looked at, likely names first", async () => {
    const world = await createWorld();
    const names = Array.from({ length: 60 }, (_, n) => `a${String(n).padStart(2, "0")}`);
    for (const name of names) await world.db.collection(name).insertOne({ n: 1 });
    await world.db.collection("z-messages").insertOne(message());
    const commands = recordCommands(world);
    expect(found(await world.pass())?.message).toContain("(z-messages)");
    const [sample] = commands.filter(({ command }) =>
      JSON.stringify(command).includes('"$unionWith":{"coll":"z-messages"'),
    );
    expect(sample?.command.pipeline.filter((stage: object) => "$unionWith" in stage)).toHaveLength(50);
    expect(sample?.command.maxTimeMS).toBe(1000);
  });
});

describe("beside messages where the mapping says", () => {
  const WINDOW = 120;
  const MINUTE = 60;

  test.each([
    ["overdue and of the last day", { scheduledAt: ago(DAY - MINUTE) }, false],
    ["five minutes past their window", { scheduledAt: ago(WINDOW + 5 * MINUTE + 5) }, false],
    ["in reach of a pass that comes late", { scheduledAt: ago(WINDOW + 5 * MINUTE - 30) }, true],
    ["due later: another scheduler may share the database", { scheduledAt: ago(-DAY) }, true],
    ["picked", { scheduledAt: ago(DAY - MINUTE), isPicked: true }, true],
    ["over a day past", { scheduledAt: ago(DAY + MINUTE) }, true],
  ])("messages elsewhere are told of as they are lost: %s", async (_when, fields, ok) => {
    const world = await foreignWorld(fields);
    await world.insert({ isSent: true, isPicked: true, campaignId: new ObjectId() });
    const summary = await world.pass();
    expect([summary.ok, found(summary) === undefined]).toEqual([ok, ok]);
  });
});

test("a document without the flags, where the mapping says, is no message", async () => {
  const world = await foreignWorld();
  await world.messages.insertOne({ text: "of another app" });
  expect(found(await world.pass())).toBeDefined();
});

describe("a new app", () => {
  test("without any collection is ok, and nothing is made in it", async () => {
    const world = await createWorld();
    expect(await world.pass()).toMatchObject({ ok: true, errors: [] });
    await backgroundDone();
    expect(await namesOf(world)).toEqual(["scheduler"]);
  });

  test("with a mapping whose collections are empty is ok", async () => {
    const world = await dashboardWorld();
    await world.db.createCollection("Message");
    await world.session();
    await world.statuses.insertOne(dashboardStatus("session", "campaign"));
    expect(await world.pass()).toMatchObject({ ok: true, errors: [] });
  });
});

describe("a look", () => {
  /** Whether a pass has looked at the names of the collections. */
  async function looks(world: World, commands: { name: string }[], host: object): Promise<boolean> {
    commands.length = 0;
    await world.pass(host);
    return commands.some(({ name }) => name === "listCollections");
  }

  test("is made every ten minutes by an instance, and remembered in between", async () => {
    const world = await foreignWorld();
    const hostClock = jumpingClock();
    const commands = recordCommands(world);
    expect(await looks(world, commands, { hostClock })).toBe(true);
    hostClock.jump(540_000);
    expect(await looks(world, commands, { hostClock })).toBe(false);
    await world.db.collection("Message").updateMany({}, { $set: { isSent: true } });
    expect(found(await world.pass({ hostClock }))).toBeDefined();
    hostClock.jump(60_000);
    expect(await looks(world, commands, { hostClock })).toBe(true);
    expect(await world.pass({ hostClock })).toMatchObject({ ok: true, errors: [] });
  });

  test("is put off by a pass that meets messages where the mapping says", async () => {
    const world = await foreignWorld();
    const hostClock = jumpingClock();
    const commands = recordCommands(world);
    expect((await world.pass({ hostClock })).ok).toBe(false);
    await world.insert({});
    expect(await world.pass({ hostClock })).toMatchObject({ ok: true, sent: 1, errors: [] });
    hostClock.jump(540_000);
    expect(await looks(world, commands, { hostClock })).toBe(false);
    hostClock.jump(60_000);
    expect(await looks(world, commands, { hostClock })).toBe(true);
  });

  test.each([
    ["may not", 13],
    ["in its time can't", 50],
  ])("that the database %s serve (error %i) fails no pass", async (_why, errorCode) => {
    const world = await foreignWorld();
    await failCommands(world, "alwaysOn", { failCommands: ["listCollections"], errorCode });
    const response = await world.call();
    expect([response.status, await response.json()]).toMatchObject([200, { ok: true }]);
  });
});
