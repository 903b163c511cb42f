import { type Document, Double, Long, ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import { startClock, systemClock } from "../../lib/clock.ts";
import { parseConfig } from "../../lib/config.ts";
import { MAPPINGS, type MappingName } from "../../lib/documents/mapping.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { openDatabase } from "../../lib/mongo/client.ts";
import { expectServedByIndexes, recordCommands } from "../../test/support/commands.ts";
import { dashboardWorld } from "../../test/support/dashboard.ts";
import { ago, createWorld, message, type World } from "../../test/support/world.ts";
import { readOptions } from "./options.ts";
import { copyUnknown, putBack } from "./put-back.ts";
import { type Resent, resend } from "./resend.ts";
import type { Ended } from "./selection.ts";

/** A message that ended so; `fields` say otherwise. */
const ended = (state: string, code: string, fields: Document = {}): Document => ({
  isPicked: true,
  scheduledAt: ago(900),
  delivery: { state, attempts: 0, settledAt: ago(600), error: { code, message: code, at: ago(600) } },
  ...fields,
});
const missed = (fields?: Document) => ended("missed", "no_pass_in_time", fields);
const failed = (fields?: Document) => ended("failed", "invalid_message", fields);
const unknown = (fields?: Document) => ended("unknown", "waha_timeout", fields);

interface Run {
  said: string;
  asked: string[];
  resent: Resent | undefined;
}

/** Runs it as a command line would, for a person who answers so; `meanwhile` happens before the answer. */
async function run(world: World, args: string[], answer = true, meanwhile?: () => unknown): Promise<Run> {
  const config = parseConfig(world.env);
  const db = openDatabase(config);
  await db.connect();
  const clock = await startClock(systemClock, systemClock.monotonic(), () => db.readTime());
  const lines: string[] = [];
  const asked: string[] = [];
  const resent = await resend(db, config, clock, readOptions(args), {
    tell: (line) => lines.push(line),
    agrees: async (question) => {
      asked.push(question);
      await meanwhile?.();
      return answer;
    },
  });
  return { said: lines.join("\n"), asked, resent };
}

const snapshot = (world: World) => world.messages.find().sort({ _id: 1 }).toArray();

/** How often each chat was sent to. */
function postsByChat(world: World): Map<string, number> {
  const chats = Map.groupBy(world.waha.ledger, ({ chatId }) => chatId);
  return new Map([...chats].map(([chat, posts]) => [chat, posts.length]));
}

describe("what a command line must say", () => {
  test.each([
    [[], /npm run resend/],
    [["--yes", "--since", "2h"], /with --campaign or --id the default is both/],
    [["abc"], /belongs to no option/],
    [["--state", "sent"], /no other state can be sent again/],
    [["--state", "attempting"], /no other state can be sent again/],
    [["--state", "unknown"], /--may-arrive-twice/],
    [["--state", "missed,unknown"], /--may-arrive-twice/],
    [["--state", "missed", "--may-arrive-twice"], /goes with --state unknown/],
    [["--state", "missed", "--code", "tired"], /no such code/],
    [
      ["--state", "missed", "--at", "2099-01-01T09:00:00"],
      /: give now, or a moment with its offset, such as /,
    ],
    [
      ["--state", "missed", "--since", "yesterday"],
      /: give 30m, 2h, 1d, or a moment with its offset, such as /,
    ],
    [["--state", "missed", "--spread", "1 hour"], /seconds/],
    [["--state", "missed", "--now"], /--now/],
  ])("%j is refused", (args, words) => {
    expect(() => readOptions(args)).toThrow(words);
  });

  test("a campaign alone means what was missed or failed of it", () => {
    expect(readOptions(["--campaign", "x"])).toMatchObject({ campaign: "x", states: ["missed", "failed"] });
  });
});

test("what would be done is shown, without a text or a chat, and nothing happens unless the person agrees", async () => {
  const world = await createWorld();
  const campaignId = new ObjectId();
  await world.campaigns.insertOne({ _id: campaignId });
  const [first] = await world.insert(missed({ campaignId }), missed({ campaignId }), failed());
  const before = await snapshot(world);
  const { said, asked, resent } = await run(world, ["--state", "missed,failed"], false);
  expect(said).toMatch(/^3 messages would be due again, now:/);
  expect(said).toMatch(new RegExp(`missed +no_pass_in_time +${campaignId} +2 +\\S+Z$`, "m"));
  expect(said).toMatch(/failed +invalid_message +- +1 /);
  expect(said).toContain(String(first));
  expect(said).not.toMatch(/Hello|@c\.us/);
  expect(said).toMatch(/Nothing was changed\.$/);
  expect([asked, resent]).toEqual([["Make them due again? [y/N] "], undefined]);
  expect(await snapshot(world)).toEqual(before);
});

test("a dry run does not even ask", async () => {
  const world = await createWorld();
  await world.insert(missed());
  const before = await snapshot(world);
  expect(await run(world, ["--state", "missed", "--dry-run", "--yes"])).toMatchObject({ asked: [] });
  expect(await snapshot(world)).toEqual(before);
});

test("what was missed or failed of a campaign, named in either form, is sent by the next pass and counted anew", async () => {
  const world = await createWorld();
  const campaignId = new ObjectId();
  await world.campaigns.insertOne({ _id: campaignId, status: "completed_with_failures" });
  const other = await world.insert(missed(), missed({ campaignId: new ObjectId() }));
  await world.insert(missed({ campaignId }), failed({ campaignId: campaignId.toHexString() }));
  const { resent, asked } = await run(world, ["--campaign", campaignId.toHexString(), "--yes"]);
  expect([resent, asked]).toEqual([{ done: 2, rejected: 0, changed: 0 }, []]);
  expect(await world.pass()).toMatchObject({ sent: 2, missed: 0 });
  expect(await world.campaigns.findOne()).toMatchObject({
    status: "completed",
    delivery: { counts: { total: 2, sent: 2 } },
  });
  for (const id of other) expect(await world.find(id)).toMatchObject({ delivery: { state: "missed" } });
});

test("codes and the time of the end choose among them", async () => {
  const world = await createWorld();
  const old = { state: "missed", settledAt: ago(9000), error: { code: "window_closed" } };
  const [, , wanted] = await world.insert(
    missed(),
    missed({ delivery: old }),
    missed({ delivery: { ...old, settledAt: ago(60) } }),
  );
  const args = ["--state", "missed", "--code", "window_closed,out_of_time", "--since", "2h", "--yes"];
  expect((await run(world, args)).resent).toMatchObject({ done: 1 });
  expect(await world.messages.find({ isPicked: false }).project({ _id: 1 }).toArray()).toEqual([
    { _id: wanted },
  ]);
});

test("single messages are named by their ids, of whatever kind", async () => {
  const world = await createWorld();
  const ids = [new ObjectId(), "message-1", 7, new ObjectId(), 8];
  await world.insert(...ids.map((_id) => missed({ _id })));
  const { resent } = await run(world, ["--id", `${ids[0]}, message-1,7`, "--yes"]);
  expect(resent).toMatchObject({ done: 3 });
  const left = await world.messages.find({ isPicked: true }).sort({ scheduledAt: 1 }).toArray();
  expect(new Set(left.map(({ _id }) => String(_id)))).toEqual(new Set([`${ids[3]}`, "8"]));
});

test("deleted, sent, attempted and waiting messages never match, nor does unknown by another name", async () => {
  const world = await createWorld();
  const campaignId = "spring";
  await world.insert(
    missed({ campaignId, isDeleted: true }),
    failed({ campaignId, isSent: true }),
    missed({ campaignId, isPicked: false }),
    ended("sent", "waha_timeout", { campaignId, isSent: true }),
    ended("attempting", "waha_timeout", { campaignId }),
    ended("claimed", "waha_timeout", { campaignId }),
    unknown({ campaignId }),
  );
  const before = await snapshot(world);
  const { said, asked } = await run(world, ["--campaign", campaignId]);
  expect([said, asked]).toEqual([expect.stringMatching(/^Nothing matches/), []]);
  expect(await snapshot(world)).toEqual(before);
});

test("what changes, or ends, while the person thinks is left alone, and the former counted", async () => {
  const world = await createWorld();
  const [stays, deleted, again] = (await world.insert(missed(), missed(), missed())) as ObjectId[];
  const { resent, said } = await run(world, ["--state", "missed"], true, async () => {
    await world.messages.updateOne({ _id: deleted as ObjectId }, { $set: { isDeleted: true } });
    // Put back by another person, and missed once more.
    await world.messages.updateOne({ _id: again as ObjectId }, { $set: { "delivery.settledAt": ago(-60) } });
    await world.insert(missed({ delivery: { state: "missed", settledAt: ago(-60) } }));
  });
  expect(resent).toEqual({ done: 1, rejected: 0, changed: 2 });
  expect(said).toMatch(/1 message due again; 2 changed meanwhile, left alone\.$/);
  const due = await world.messages.find({ isPicked: false }).project({ _id: 1 }).toArray();
  expect(due).toEqual([{ _id: stays }]);
});

describe("a write stands or falls with what was seen", () => {
  const changes: [string, Document][] = [
    ["taken back", { isDeleted: true }],
    ["sent", { isSent: true }],
    ["put back already", { isPicked: false }],
    ["attempted", { "delivery.state": "attempting" }],
    ["ended once more", { "delivery.settledAt": ago(1) }],
  ];

  test.each(changes)("a message that was %s meanwhile is not touched", async (_, change) => {
    const world = await createWorld();
    const db = openDatabase(parseConfig(world.env));
    for (const [document, write] of [
      [missed(), (again: Parameters<typeof copyUnknown>[1]) => putBack(db, [again])],
      [unknown(), (again: Parameters<typeof copyUnknown>[1]) => copyUnknown(db, again)],
    ] as const) {
      const [id] = await world.insert(document);
      const seen = (await world.find(id)) as unknown as Ended;
      await world.messages.updateOne({ _id: id as ObjectId }, { $set: change });
      const before = await snapshot(world);
      expect(await write({ ended: seen, scheduledAt: new Date() })).toEqual({ done: 0, rejected: 0 });
      expect(await snapshot(world)).toEqual(before);
      await world.messages.deleteMany({});
    }
  });
});

test("passes and a second person at work meanwhile: each message is sent once", async () => {
  const sessions = ["a", "b", "c"].map((name) => ({ name, latencyMs: 1 }));
  const world = await createWorld({ sessions });
  const documents = Array.from({ length: 300 }, (_, n) => missed({ sessionId: "abc"[n % 3] }));
  await world.insert(...documents);
  const args = ["--state", "missed", "--yes"];
  const runs = [run(world, args), run(world, args)];
  const passes = [world.pass(), world.pass(), ...runs.map((each) => each.then(() => world.pass()))];
  const done = (await Promise.all(runs)).map(({ resent }) => resent?.done ?? 0);
  await Promise.all(passes);
  await world.pass();
  expect(done.reduce((sum, each) => sum + each, 0)).toBe(300);
  const posts = postsByChat(world);
  expect([posts.size, new Set(posts.values())]).toEqual([300, new Set([1])]);
  expect(await world.messages.countDocuments({ isSent: true, "delivery.state": "sent" })).toBe(300);
});

describe("an unknown message", () => {
  const ARGS = ["--state", "unknown", "--may-arrive-twice"];

  test("is taken back, and a copy without a past is sent in its place", async () => {
    const world = await createWorld();
    const campaignId = new ObjectId();
    await world.campaigns.insertOne({ _id: campaignId, delivery: { open: false, rev: 3 } });
    const fields = { campaignId, tags: ["x"], price: new Double(3), views: Long.fromNumber(3) };
    const [id] = await world.insert(unknown(fields));
    const { said, resent } = await run(world, ARGS);
    expect(said).toMatch(/1 unknown message may have arrived, and then arrives TWICE/);
    expect(resent).toEqual({ done: 1, rejected: 0, changed: 0 });
    expect(await world.find(id)).toMatchObject({ isDeleted: true, delivery: { state: "unknown" } });
    expect(await world.pass()).toMatchObject({ sent: 1, campaignsCompleted: 1 });
    const types = { $and: [{ price: { $type: "double" } }, { views: { $type: "long" } }] };
    const copies = await world.messages.find({ ...types, isDeleted: false }).toArray();
    expect(copies).toMatchObject([{ campaignId, tags: ["x"], isSent: true, delivery: { attempts: 1 } }]);
    const campaign = await world.campaigns.findOne();
    expect(campaign?.delivery.counts).toEqual({ total: 1, sent: 1, failed: 0, missed: 0, unknown: 0 });
  });

  test.each([
    ["an ObjectId", new ObjectId(), (id: unknown) => id instanceof ObjectId],
    ["its hexadecimal string", new ObjectId().toHexString(), (id: unknown) => /^[0-9a-f]{24}$/.test(`${id}`)],
    ["another string", "message-1", (id: unknown) => /^[0-9a-f-]{36}$/.test(`${id}`)],
  ])("gives its copy an id of the same kind: %s", async (_, _id, fits) => {
    const world = await createWorld();
    await world.insert(unknown({ _id }));
    await run(world, [...ARGS, "--yes"]);
    const copy = await world.messages.findOne({ isDeleted: false });
    expect([fits(copy?._id), copy?._id === _id]).toEqual([true, false]);
  });

  test("stays as it is where its copy is turned away, and the others go out", async () => {
    const world = await createWorld();
    const [twin] = await world.insert(unknown({ key: 1 }), unknown({ key: 2 }));
    await world.messages.createIndex(
      { key: 1 },
      { unique: true, partialFilterExpression: { key: { $eq: 1 } } },
    );
    const { said, resent } = await run(world, ARGS);
    expect(resent).toEqual({ done: 1, rejected: 1, changed: 0 });
    expect(said).toMatch(/1 turned away by the database/);
    expect(await world.find(twin)).toMatchObject({ isDeleted: false, delivery: { state: "unknown" } });
    expect(await world.messages.countDocuments()).toBe(3);
  });

  test("has one copy, however often the database has both writes made anew", async () => {
    const world = await createWorld();
    await world.insert(unknown());
    const errorLabels = ["TransientTransactionError"];
    await world.db.admin().command({
      configureFailPoint: "failCommand",
      mode: { times: 2 },
      data: {
        failCommands: ["commitTransaction"],
        errorCode: 251,
        errorLabels,
        appName: world.db.databaseName,
      },
    });
    expect((await run(world, ARGS)).resent).toEqual({ done: 1, rejected: 0, changed: 0 });
    const found = await snapshot(world);
    expect(found.map(({ isDeleted }) => isDeleted)).toEqual([true, false]);
  });

  test("is sent again once, by whichever of two persons is faster, with passes at work", async () => {
    const world = await createWorld();
    await world.insert(...Array.from({ length: 20 }, () => unknown()));
    const pass = world.pass();
    const runs = await Promise.all([run(world, ARGS), run(world, ARGS)]);
    expect(runs.reduce((sum, { resent }) => sum + (resent?.done ?? 0), 0)).toBe(20);
    await pass;
    await world.pass();
    expect([...postsByChat(world).values()]).toEqual(Array.from({ length: 20 }, () => 1));
  });
});

describe("the app's own fields", () => {
  /** A world whose app shows that messages failed, with one that ended so. */
  async function shownWorld(end: Document) {
    const world = await dashboardWorld();
    const campaign = await world.campaign(await world.session());
    const id = await world.message(campaign, { ...end, failedReason: "a_code: in words" });
    return { world, campaign, id };
  }

  test("say at once that nothing is wrong any more, also where the message is due much later", async () => {
    const { world, id } = await shownWorld(missed({ isFailed: true }));
    await run(world, ["--state", "missed", "--at", "2099-01-01T09:00:00Z", "--yes"]);
    expect(await world.find(id)).toMatchObject({ isPicked: false, isFailed: false, failedReason: null });
  });

  test("of the copy of an unknown message say nothing of the first", async () => {
    const { world, id } = await shownWorld(unknown({ isFailed: false }));
    await run(world, ["--state", "unknown", "--may-arrive-twice", "--yes"]);
    expect(await world.find(id)).toMatchObject({ isDeleted: true, failedReason: "a_code: in words" });
    expect(await world.messages.findOne({ isDeleted: false })).toMatchObject({
      isFailed: false,
      failedReason: null,
    });
    expect(await world.pass()).toMatchObject({ sent: 1 });
  });

  test.each([
    [{ isDeleted: true }, "deleted"],
    [{ status: "DRAFT" }, "DRAFT"],
  ])("of a campaign with %j put it on hold, and that is mentioned", async (fields, word) => {
    const { world, campaign } = await shownWorld(missed({ isFailed: true }));
    await world.campaigns.updateOne({}, { $set: fields });
    const { said } = await run(world, ["--state", "missed", "--dry-run"]);
    expect(said).toContain(`Note: On hold: ${campaign.campaignId} (${word}).`);
  });
});

test("campaigns on hold, and those that are gone, are mentioned", async () => {
  const world = await createWorld();
  const held = await world.campaigns.insertOne({ status: "paused" });
  await world.insert(missed({ campaignId: held.insertedId.toHexString() }), missed({ campaignId: "gone" }));
  const { said } = await run(world, ["--state", "missed", "--dry-run"]);
  expect(said).toMatch(new RegExp(`Note: On hold: ${held.insertedId} \\(paused\\)`));
  expect(said).toMatch(/Note: No such campaign in campaigns: gone\./);
});

describe("many at once", () => {
  test("come with a word of warning that says how far to spread them", async () => {
    const world = await createWorld({}, { SEND_GAP_MS: "8000", SEND_GAP_JITTER_MS: "7000" });
    await world.insert(...Array.from({ length: 30 }, () => missed()));
    const { said } = await run(world, ["--state", "missed", "--dry-run"]);
    const [, late, spread] = /about (\d+) of them would be missed again.*--spread (\d+)/.exec(said) ?? [];
    expect([Number(late), Number(spread)]).toEqual([expect.closeTo(21, 0), expect.closeTo(422, -1)]);
    const relaxed = await run(world, ["--state", "missed", "--dry-run", "--spread", `${spread}`]);
    expect(relaxed.said).not.toMatch(/missed again/);
  });

  test("are spread evenly, from a moment that the person names, in their old order", async () => {
    const world = await createWorld();
    const ids = await world.insert(
      ...[40, 30, 20, 10].map((hours) => missed({ scheduledAt: ago(3600 * hours) })),
    );
    await run(world, ["--state", "missed", "--yes", "--at", "2099-01-01T09:00:00+01:00", "--spread", "120"]);
    const times = await Promise.all(ids.map(async (id) => (await world.find(id)).scheduledAt.toISOString()));
    expect(times).toEqual(
      ["00:00", "00:30", "01:00", "01:30"].map((minute) => `2099-01-01T08:${minute}.000Z`),
    );
  });

  test("can't be due in the past", async () => {
    const world = await createWorld();
    await world.insert(missed());
    await expect(run(world, ["--state", "missed", "--at", "2020-01-01T09:00:00Z"])).rejects.toThrow(/past/);
  });
});

describe("what ended unsent is found by an index, among thousands that were sent", () => {
  /** Messages that were sent, and two that were missed: of a campaign, and of none. */
  async function filledWorld(mapping: MappingName): Promise<World> {
    const names = MAPPINGS[mapping].messages;
    const world = await createWorld({}, { DOCUMENTS: mapping });
    const messages = world.db.collection(names.collection);
    await messages.createIndexes(messageIndexes(names));
    const sent = { isSent: true, isPicked: true, delivery: { state: "sent", settledAt: ago(600) } };
    const document = (fields: Document) => {
      const { chatId: _, ...rest } = message(fields);
      return names.chatId === null ? rest : { chatId: "491701@c.us", ...rest };
    };
    await messages.insertMany([
      ...Array.from({ length: 1000 }, (_, n) => document({ ...sent, [names.campaignId]: `c${n % 5}` })),
      ...Array.from({ length: 500 }, () => document({ ...sent, [names.campaignId]: null })),
      ...Array.from({ length: 500 }, () => document(sent)),
      document(missed({ [names.campaignId]: "c1" })),
      document(missed()),
    ]);
    return { ...world, messages };
  }

  test.each(["plain", "whatsapp-waha-dashboard"] as const)(
    "with the mapping %s, of all campaigns or one",
    async (mapping) => {
      const world = await filledWorld(mapping);
      const commands = recordCommands(world);
      await world.db.command({ profile: 2, slowms: 0 });
      expect((await run(world, ["--campaign", "c1", "--dry-run"])).said).toMatch(/^1 message would/);
      expect((await run(world, ["--state", "missed", "--yes"])).resent).toMatchObject({ done: 2 });
      await world.db.command({ profile: 0 });
      const searches = commands.filter(({ name }) => name === "find" || name === "aggregate");
      expect(searches.length).toBeGreaterThan(4);
      await expectServedByIndexes(world, searches);
      const looks = await world.db
        .collection("system.profile")
        .find({
          ns: world.messages.namespace,
          op: { $in: ["query", "command"] },
          keysExamined: { $exists: true },
        })
        .toArray();
      expect(looks.length).toBeGreaterThan(4);
      for (const { keysExamined, docsExamined } of looks) {
        expect(keysExamined).toBeLessThan(50);
        expect(docsExamined).toBeLessThan(10);
      }
      expect(await world.messages.countDocuments({ isPicked: false })).toBe(2);
    },
  );

  test("a mapping without campaigns' ids has no messages of one", async () => {
    const world = await createWorld({}, { DOCUMENTS: '{"messages": {"campaignId": null}}' });
    const [id] = await world.insert(missed({ campaignId: "c1" }));
    expect((await run(world, ["--campaign", "c1", "--id", `${id}`, "--yes"])).resent).toBeUndefined();
    expect((await run(world, ["--id", `${id}`, "--yes"])).resent).toMatchObject({ done: 1 });
  });
});

describe("where nothing matches, it is said why", () => {
  const campaignId = new ObjectId().toHexString();

  test("a campaign that is not there", async () => {
    const world = await createWorld();
    await world.insert(missed());
    const { said } = await run(world, ["--campaign", campaignId]);
    expect(said).toContain(`The collection campaigns has no document with the _id ${campaignId}.`);
    expect(said).toContain("The collection messages has no message of this campaign.");
  });

  test("a collection that is not there", async () => {
    const { said } = await run(await createWorld(), ["--state", "missed"]);
    expect(said).toContain("The collection messages is empty, or does not exist.");
  });

  test("how the messages stand that are meant", async () => {
    const world = await createWorld();
    await world.campaigns.insertOne({ _id: campaignId as never });
    const ids = await world.insert(
      { campaignId, isSent: true, isPicked: true, delivery: { state: "sent" } },
      { campaignId, isDeleted: true },
      { campaignId },
      { campaignId, isPicked: true, delivery: { state: "unknown" } },
      { campaignId, isPicked: true },
      { isPicked: true },
    );
    const { said } = await run(world, ["--campaign", campaignId]);
    expect(said).toMatch(
      /stands so: 1 deleted, 1 not touched by the scheduler, 1 sent, 1 unknown, 1 waiting for a pass\.$/m,
    );
    expect(said).toMatch(/\(picked_elsewhere\): 1 message\./);
    const one = await run(world, ["--id", String(ids[0])]);
    expect(one.said).toMatch(/stands so: 1 sent\.$/);
    expect((await run(world, ["--state", "missed"])).said).toMatch(/\(picked_elsewhere\): 2 messages\./);
  });

  test("what no pass will take is not said to wait for one", async () => {
    const world = await createWorld();
    const held = new ObjectId();
    await world.campaigns.insertOne({ _id: held, status: "paused" });
    const old = { scheduledAt: ago(25 * 3600) };
    const ids = await world.insert(
      { scheduledAt: ago(23 * 3600) },
      old,
      { scheduledAt: new Date().toISOString() },
      { campaignId: held },
      { campaignId: held.toHexString(), ...old },
      { isSent: null },
    );
    const { said } = await run(world, ["--id", ids.join(",")]);
    expect(/stands so: (.*)\.$/m.exec(said)?.[1]?.split(", ")).toEqual([
      "2 of a campaign on hold",
      "1 over 24 hours old and never picked: give a new scheduledAt (docs/operations.md#send-again)",
      "1 waiting for a pass",
      "1 with a flag that is no boolean (flags_missing)",
      "1 with a scheduledAt that is no Date (date_wrong)",
    ]);
    const none = await run(world, ["--id", String(new ObjectId())]);
    expect(none.said).toContain("The collection messages has no message with these ids.");
  });

  test("messages that name no campaign", async () => {
    const world = await createWorld({}, { DOCUMENTS: '{"messages": {"campaignId": null}}' });
    await world.insert({});
    const { said } = await run(world, ["--campaign", campaignId]);
    expect(said).toContain("Messages name no campaign: messages.campaignId of DOCUMENTS is null.");
  });
});

test("a campaign that is gone is said to keep its messages unsent where only it leads to a chat", async () => {
  const world = await dashboardWorld();
  await world.message({ sessionId: await world.session(), campaignId: "gone" }, missed());
  const { said } = await run(world, ["--state", "missed", "--dry-run"]);
  expect(said).toMatch(/No such campaign in MessageCampaign: gone\. Its messages are not sent/);
});
