import { describe, expect, test } from "vitest";
import { backgroundDone } from "../../lib/async.ts";
import { CAMPAIGN_INDEXES } from "../../lib/campaigns.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { parseMapping } from "../../lib/documents/parse.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { type DashboardWorld, dashboardStatus, dashboardWorld } from "../../test/support/dashboard.ts";
import { ago, createWorld, message, type World } from "../../test/support/world.ts";
import vercelFile from "../../vercel.json" with { type: "json" };
import { examine } from "./examine.ts";
import type { CheckName, Finding } from "./finding.ts";

const find = async (world: World, check: CheckName): Promise<Finding[]> =>
  (await examine(world.env, vercelFile)).filter((finding) => finding.check === check);

/** A database of the dashboard's with one due message, whatever the setting says. */
async function dashboard(settings: NodeJS.ProcessEnv = {}, fields = {}): Promise<DashboardWorld> {
  const world = await dashboardWorld({}, settings);
  await world.message(await world.campaign(await world.session()), fields);
  return world;
}

describe("messages outside DOCUMENTS", () => {
  test("are named with the mapping that ships and fits", async () => {
    const world = await dashboard({ DOCUMENTS: undefined });
    expect(await find(world, "documents")).toContainEqual({
      level: "problem",
      check: "documents",
      message: expect.stringMatching(
        /^the collection Message, outside DOCUMENTS, .*\[documents_not_found\]: unsent ones/,
      ),
      remedy: "Set DOCUMENTS=whatsapp-waha-dashboard. See docs/errors.md#documents_not_found",
    });
  });

  test.each([
    ["a day ago, less a minute", { scheduledAt: ago(86_340) }, "problem", /unsent ones/],
    ["a day and a minute ago", { scheduledAt: ago(86_460) }, "warning", /none that is unsent/],
    ["sent", { isSent: true, isPicked: true }, "warning", /none that is unsent/],
  ])("are a problem if they are unsent and of the last day: %s", async (_when, fields, level, words) => {
    const world = await dashboard({ DOCUMENTS: undefined }, fields);
    const found = (await find(world, "documents")).filter(({ message }) =>
      /documents_not_found/.test(message),
    );
    expect(found).toEqual([expect.objectContaining({ level, message: expect.stringMatching(words) })]);
  });

  test("get a mapping, field by field, where none that ships fits", async () => {
    const world = await createWorld();
    const { chatId: to, content: body, ...rest } = message();
    await world.db.collection("outbox").insertOne({ ...rest, to, body });
    const [found] = await find(world, "documents");
    expect(found).toMatchObject({
      level: "problem",
      message: expect.stringContaining(
        "content: body (by its name); chatId: to (holds …@c.us); campaignId: none",
      ),
    });
    const [, documents = ""] = /DOCUMENTS='(.*)'\. See/.exec(found?.remedy ?? "") ?? [];
    expect(parseMapping(documents)).toMatchObject({
      mapping: { messages: { collection: "outbox", chatId: "to", content: "body" } },
    });
    expect(JSON.stringify(found)).not.toContain(body);
    expect(JSON.stringify(found)).not.toContain(to);
  });

  test("are told beside messages that are where they should be, as a warning", async () => {
    const world = await createWorld();
    await world.insert({});
    await world.db.collection("outbox").insertOne(message());
    const found = (await find(world, "documents")).filter(({ message }) => /outbox/.test(message));
    expect(found).toMatchObject([{ level: "warning" }]);
    await world.db.collection("outbox").updateMany({}, { $set: { isSent: true } });
    expect(await find(world, "documents")).not.toContainEqual(
      expect.objectContaining({ message: expect.stringContaining("outbox") }),
    );
  });

  test("are not the dashboard's stories", async () => {
    const world = await dashboardWorld();
    await world.statuses.insertOne(dashboardStatus("session", "campaign"));
    expect(await find(world, "documents")).toContainEqual({
      level: "ok",
      check: "documents",
      message: "no message in Message yet, nor elsewhere",
    });
  });
});

describe("the collections of the mapping", () => {
  test("are named where there are none", async () => {
    const world = await dashboard({
      DOCUMENTS: JSON.stringify({
        extends: "whatsapp-waha-dashboard",
        groups: { collection: "WhatsappGroup" },
        campaigns: { collection: "Campaign" },
      }),
    });
    const found = (await find(world, "documents")).filter(({ message }) =>
      /names the collection/.test(message),
    );
    expect(found).toMatchObject([
      {
        level: "warning",
        message: expect.stringContaining("the collection Campaign (campaigns.collection)"),
      },
      {
        level: "warning",
        message: expect.stringContaining("the collection WhatsappGroup (groups.collection)"),
        remedy: expect.stringMatching(/letter by letter: .*WhatsAppGroup.*docs\/mapping\.md#keys/),
      },
    ]);
  });

  test("are no fault where plain needs none, nor where there is nothing yet", async () => {
    const world = await createWorld();
    const told = async () =>
      (await find(world, "documents")).map(({ level, message }) => `${level}: ${message}`);
    expect(await told()).toEqual(["ok: no message in messages yet, nor elsewhere"]);
    await world.insert({});
    expect(await told()).toEqual([
      "ok: there is no collection campaigns, and none is needed",
      "ok: there is no collection sessions, and none is needed",
      "ok: no message is out of a pass's sight",
    ]);
  });
});

describe("what is due within a day", () => {
  test.each<[string, object[], string]>([
    ["nothing", [{ isSent: true, isPicked: true }], "no message is due within a day"],
    [
      "what is on hold",
      [{ campaignId: "held" }],
      "of campaigns on hold, and left alone: 1 message due within a day",
    ],
    [
      "both",
      [{ campaignId: "held" }, { campaignId: "held" }, {}],
      "of campaigns on hold, and left alone: 2 messages due within a day",
    ],
  ])("%s is said as it is", async (_what, messages, words) => {
    const world = await createWorld();
    await world.campaigns.insertOne({ _id: "held" as never, status: "paused" });
    await world.insert(...messages);
    expect((await find(world, "sessions"))[0]).toEqual({ level: "ok", check: "sessions", message: words });
  });
});

describe("the indexes of the mapping", () => {
  test("are those of its collections and fields", async () => {
    const world = await dashboard();
    const names = MAPPINGS["whatsapp-waha-dashboard"];
    await world.campaigns.createIndexes(CAMPAIGN_INDEXES);
    expect(await find(world, "indexes")).toEqual([
      {
        level: "ok",
        check: "indexes",
        message: expect.stringMatching(/^the first pass creates scheduler_due/),
      },
    ]);
    await world.scheduler.insertOne({ _id: "last-pass" as never, endedAt: ago(30) });
    const [missing] = await find(world, "indexes");
    expect(missing).toMatchObject({
      level: "warning",
      message: expect.stringMatching(/scheduler_due, .*\[indexes_missing\]$/),
      remedy: expect.stringContaining("within ten minutes"),
    });
    await world.messages.createIndexes(messageIndexes(names.messages));
    expect(await find(world, "indexes")).toEqual([
      { level: "ok", check: "indexes", message: "all exist, as they should be" },
      { level: "ok", check: "indexes", message: "the search for what is due uses scheduler_due" },
    ]);
  });

  test("differ where they are another mapping's", async () => {
    const world = await dashboard();
    await world.campaigns.createIndexes(CAMPAIGN_INDEXES);
    await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
    expect(await find(world, "indexes")).toContainEqual(
      expect.objectContaining({
        level: "warning",
        message: expect.stringMatching(/other keys.*: scheduler_campaign$/),
      }),
    );
    await world.pass();
    await expect.poll(async () => (await find(world, "indexes"))[0]?.level).toBe("ok");
    await backgroundDone();
  });

  test("are not missed where their collection does not exist yet", async () => {
    const world = await createWorld();
    expect(await find(world, "indexes")).toEqual([
      {
        level: "ok",
        check: "indexes",
        message: "passes create those of messages and campaigns once they exist",
      },
    ]);
    await world.insert({});
    await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
    expect((await find(world, "indexes"))[0]?.message).toBe(
      "passes create those of campaigns once it exists; the others are as they should be",
    );
  });

  test("may be the app's own, by another name", async () => {
    const world = await createWorld();
    await world.campaigns.createIndexes(CAMPAIGN_INDEXES);
    const indexes = messageIndexes(MAPPINGS.plain.messages);
    await world.messages.createIndexes(
      indexes.map((index) => (index.name === "scheduler_due" ? { ...index, name: "mine" } : index)),
    );
    expect((await find(world, "indexes")).map(({ level, message }) => `${level}: ${message}`)).toEqual([
      "ok: all exist, as they should be",
      "ok: the search for what is due uses mine",
    ]);
  });
});

test.each([
  ["DOCUMENTS", { DOCUMENTS: "dashboard" }, /^Correct DOCUMENTS; docs\/mapping\.md#keys/],
  [
    "MESSAGES_COLLECTION",
    { MESSAGES_COLLECTION: "Message" },
    /^Remove MESSAGES_COLLECTION; docs\/mapping\.md/,
  ],
])("with a wrong %s no document is looked at by other names", async (setting, env, remedy) => {
  const world = await createWorld({}, env);
  await world.insert({ isPicked: "false" });
  const findings = await examine(world.env, vercelFile);
  expect(findings).toContainEqual(
    expect.objectContaining({
      level: "problem",
      message: expect.stringContaining(setting),
      remedy: expect.stringMatching(remedy),
    }),
  );
  const onDatabase = findings.filter(({ check }) => ["indexes", "documents", "sessions"].includes(check));
  expect(onDatabase.map(({ message }) => message)).toEqual(
    Array.from({ length: 3 }, () => expect.stringContaining("DOCUMENTS is wrong")),
  );
});

test("sessions are looked for by the mapping's name for theirs", async () => {
  const world = await dashboard();
  await world.session({ sessionName: "old-phone" });
  expect(await find(world, "sessions")).toContainEqual(
    expect.objectContaining({
      level: "warning",
      message: 'WhatsAppSession holds what WAHA does not know: "old-phone"',
    }),
  );
});
