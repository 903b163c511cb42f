import {
  Binary,
  Decimal128,
  type Document,
  Double,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from "mongodb";
import { describe, expect, test } from "vitest";
import { backgroundDone } from "../../lib/async.ts";
import { insertRaw, nested, RawValue } from "../hostile/raw-bson.ts";
import { withFields } from "../hostile/values.ts";
import { expectServedByIndexes, recordCommands } from "../support/commands.ts";
import { ago, createWorld, message, type World } from "../support/world.ts";

/** Documents as apps really write them: sent, or told. */

const LONG = Long.fromString("1234567890123456789");

describe("a time that is neither a Date nor null", () => {
  const ODD: [what: string, value: unknown][] = [
    ["a moment", { _isAMomentObject: true, _d: new Date() }],
    ["an empty document", {}],
    ["a list of dates", [ago(5)]],
    ["true", true],
    ["an ObjectId", new ObjectId()],
    ["a BSON timestamp", new Timestamp({ t: 1_700_000_000, i: 1 })],
    ["a regular expression", /now/],
    ["bytes", new Binary(Buffer.from("now"))],
    ["a Long", LONG],
    ["a decimal", Decimal128.fromString("1700000000000")],
    ["the least key", new MinKey()],
    ["the greatest key", new MaxKey()],
    ["a text", new Date().toISOString()],
    ["a number", Date.now()],
  ];

  test.each(ODD)("is told by the first pass: %s", async (_what, scheduledAt) => {
    const world = await createWorld();
    await world.insert({ scheduledAt });
    const { errors } = await world.pass();
    expect(errors).toContainEqual(expect.objectContaining({ code: "date_wrong", count: 1 }));
    expect(world.waha.ledger).toHaveLength(0);
  });

  test("is not null, which makes a draft, nor a Date", async () => {
    const world = await createWorld();
    await world.insert({ scheduledAt: null }, { scheduledAt: ago(-3600) }, {});
    expect(await world.pass()).toMatchObject({ ok: true, sent: 1, errors: [] });
  });
});

test.each(["isSent", "isDeleted", "isPicked"])(
  "%s that is no boolean is told by the first pass",
  async (flag) => {
    const odd = ["false", 0, new Date(), {}, [], new ObjectId(), new Double(0), LONG, new MaxKey()];
    const world = await createWorld();
    await world.insert(...odd.map((value) => ({ [flag]: value })), { [flag]: null });
    const { errors, sent } = await world.pass();
    expect(sent).toBe(0);
    expect(errors).toContainEqual(expect.objectContaining({ code: "flags_missing", count: odd.length + 1 }));
  },
);

describe("a reference", () => {
  const IDS: [what: string, id: unknown][] = [
    ["a Long that no double holds", LONG],
    ["a Long that a double holds", Long.fromString("1152921504606846976")],
    ["a small Long", Long.fromNumber(7)],
    ["a double", new Double(7.5)],
    ["a decimal", Decimal128.fromString("7.50")],
    ["a UUID", new UUID()],
    ["bytes", new Binary(Buffer.from("id"))],
    ["a text", "spring"],
    ["a number", 7],
    ["an ObjectId", new ObjectId()],
  ];

  test.each(IDS)(
    "to a paused campaign holds the message back, whatever kind it is: %s",
    async (_what, _id) => {
      const world = await createWorld();
      await world.campaigns.insertOne({ _id: _id as never, status: "paused" });
      const [id] = await world.insert({ campaignId: _id, sessionId: "default" });
      expect(await world.pass()).toMatchObject({ ok: true, sent: 0, errors: [] });
      expect(await world.find(id)).not.toHaveProperty("delivery");
    },
  );

  test.each(IDS)(
    "to a campaign leads to its session, and the campaign is settled: %s",
    async (_what, _id) => {
      const world = await createWorld({}, { WAHA_DEFAULT_SESSION: undefined });
      await world.sessions.insertOne({ _id: _id as never, name: "default" });
      await world.campaigns.insertOne({ _id: _id as never, sessionId: _id });
      await world.insert({ campaignId: _id });
      expect(await world.pass()).toMatchObject({ ok: true, sent: 1, campaignsCompleted: 1, errors: [] });
      expect(await world.campaigns.findOne({})).toMatchObject({ status: "completed" });
    },
  );

  test("that is the same number in another type leads to it, too", async () => {
    const world = await createWorld();
    const _id = Long.fromString("1152921504606846976");
    await world.campaigns.insertOne({ _id: new Double(2 ** 60) as never, status: "paused" });
    await world.insert({ campaignId: _id, sessionId: "default" });
    expect(await world.pass()).toMatchObject({ ok: true, sent: 0, errors: [] });
  });

  const NO_LOOKUP: [what: string, reference: unknown, type: string][] = [
    ["an embedded document", { _id: 1, name: "Spring" }, "object"],
    ["a reference with its collection", { $ref: "campaigns", $id: new ObjectId() }, "object"],
    ["a list", [new ObjectId()], "array"],
    ["a date", new Date(), "date"],
    ["false", false, "bool"],
    ["a BSON timestamp", new Timestamp({ t: 1, i: 1 }), "timestamp"],
    ["a regular expression", /spring/, "regex"],
  ];

  test.each(NO_LOOKUP)(
    "that no look-up can find is told, and not sent: %s",
    async (_what, campaignId, type) => {
      const world = await createWorld();
      const document = withFields(message({ sessionId: "default" }), { campaignId });
      await insertRaw(world.database.url, "messages", [document]);
      expect(await world.pass()).toMatchObject({
        ok: false,
        sent: 0,
        errors: [
          {
            code: "campaign_not_found",
            message: expect.stringContaining(`campaignId is of the type ${type}`),
          },
        ],
      });
    },
  );

  test("by a decimal that is written differently is told, and not sent", async () => {
    const world = await createWorld();
    await world.campaigns.insertOne({ _id: Decimal128.fromString("7.50") as never, status: "paused" });
    await world.insert({ campaignId: Decimal128.fromString("7.5"), sessionId: "default" });
    expect(await world.pass()).toMatchObject({
      ok: false,
      sent: 0,
      errors: [{ code: "campaign_not_found" }],
    });
  });
});

describe("a delivery that no pass has written", () => {
  const FOREIGN: [what: string, delivery: unknown][] = [
    ["an empty list", []],
    ["another state", { state: "pending" }],
    ["a state that is a number", { state: 1 }],
    ["a state that is a document", { state: {} }],
    ["a claim without an end", { state: "claimed" }],
    ["a claim whose end is a text", { state: "claimed", claimExpiresAt: new Date().toISOString() }],
  ];

  test.each(FOREIGN)(
    "is told from the first pass on, and the pass is not ok: %s",
    async (_what, delivery) => {
      const world = await createWorld();
      const [odd, good] = await world.insert({ delivery }, {});
      expect(await world.pass()).toMatchObject({
        ok: false,
        sent: 1,
        errors: [{ code: "invalid_message", count: 1, message: expect.stringContaining("its delivery") }],
      });
      expect((await world.find(odd)).delivery).toEqual(delivery);
      expect(await world.find(good)).toMatchObject({ isSent: true });
    },
  );

  test.each([
    ["of a campaign on hold is left alone", { status: "paused" }, {}],
    ["that is not due yet is left alone", {}, { scheduledAt: ago(-3600) }],
  ])("%s", async (_what, campaign, fields) => {
    const world = await createWorld();
    const { insertedId: campaignId } = await world.campaigns.insertOne(campaign);
    await world.insert({ campaignId, delivery: [], ...fields });
    expect(await world.pass()).toMatchObject({ ok: true, errors: [] });
  });

  test.each<[string, unknown]>([
    ["a text", "pending"],
    ["null", null],
    ["a document without a state", { note: "x" }],
    ["a list with a state that is known", [{ state: "released" }]],
  ])("is replaced where nothing in it says that it was sent: %s", async (_what, delivery) => {
    const world = await createWorld();
    const [id] = await world.insert({ delivery });
    expect(await world.pass()).toMatchObject({ ok: true, sent: 1, errors: [] });
    expect((await world.find(id)).delivery).toMatchObject({ state: "sent" });
  });
});

test("a message whose _id can't be used is told once its window is over", async () => {
  const world = await createWorld();
  const late = { scheduledAt: ago(300) };
  await insertRaw(world.database.url, "messages", [
    withFields(message(late), { _id: "x".repeat(600) }),
    withFields(message(late), { _id: nested([["_bsontype", "Code"]]) }),
  ]);
  expect(await world.pass()).toMatchObject({ ok: false, sent: 0 });
});

describe("a pass that stays", () => {
  const NEVER = new RawValue(9, Buffer.from("ffffffffffffff7f", "hex"));

  test.each<[string, Document | undefined]>([
    ["nothing is to come", undefined],
    ["the next time is beyond JavaScript's dates", { scheduledAt: NEVER }],
    ["the next time is a list with a past one", { scheduledAt: [ago(60), ago(-3600)] }],
  ])(
    "looks neither more nor less often where %s",
    async (_what, fields) => {
      const world = await createWorld({}, { STAY_SECONDS: "6", PASS_SECONDS: "12", TAIL_SECONDS: "4" });
      if (fields) await insertRaw(world.database.url, "messages", [withFields(message(), fields)]);
      const commands = recordCommands(world);
      await world.pass();
      const looks = commands.filter(({ command }) => command.filter?.scheduledAt?.$gt !== undefined);
      // Every half second in a pass that short: the lifetimes shrink with it.
      expect(looks.length).toBeLessThanOrEqual(14);
      expect(looks.length).toBeGreaterThanOrEqual(4);
    },
    20_000,
  );
});

describe("collections that compare without case and accents", () => {
  async function collatedWorld(settings: NodeJS.ProcessEnv = {}): Promise<World> {
    const world = await createWorld({ engine: "NOWEB" }, settings);
    const collation = { locale: "en", strength: 1 };
    for (const name of ["messages", "campaigns", "sessions"])
      await world.db.createCollection(name, { collation });
    return world;
  }

  test("an edit of case or accent between claim and intent is seen", async () => {
    const world = await collatedWorld();
    const [, id] = await world.insert({ scheduledAt: ago(20) }, { content: "resume", scheduledAt: ago(10) });
    const thaw = world.waha.addFault({
      match: { route: "sendText" },
      times: 1,
      action: { type: "delay", ms: 60_000 },
    });
    const passing = world.pass();
    await world.waha.received("sendText", 1);
    await world.messages.updateOne({ _id: id as ObjectId }, { $set: { content: "Résumé" } });
    thaw();
    expect(await passing).toMatchObject({ sent: 1, released: 1, errors: [{ code: "message_changed" }] });
    await world.messages.updateMany({}, { $unset: { "delivery.settledAt": "" } });
    await world.pass();
    expect(world.waha.ledger.map(({ text }) => text).slice(1)).toEqual(["Résumé"]);
  });

  test("a reference in another case is another, as the word for a hold is", async () => {
    const world = await collatedWorld();
    await world.campaigns.insertMany([
      { _id: "spring" as never, status: "paused", sessionId: "default" },
      { _id: "autumn" as never, status: "Paused", sessionId: "default" },
    ]);
    const [held, sent, orphan] = await world.insert(
      { campaignId: "spring" },
      { campaignId: "autumn" },
      { campaignId: "AUTUMN" },
    );
    await world.pass();
    expect(await world.find(held)).toMatchObject({ isSent: false });
    expect(await world.find(sent)).toMatchObject({ isSent: true });
    expect(await world.find(orphan)).toMatchObject({ delivery: { error: { code: "campaign_not_found" } } });
    expect(await world.campaigns.findOne({ _id: "autumn" as never })).toMatchObject({
      status: "completed",
      delivery: { counts: { total: 1, sent: 1 } },
    });
  });

  test("are searched by an index also for ids that are texts", async () => {
    const world = await collatedWorld();
    await world.messages.insertMany(
      Array.from({ length: 500 }, (_, n) => message({ _id: `m${n}`, isSent: true })),
    );
    await world.campaigns.insertOne({ _id: "c" as never, sessionId: "default" });
    await world.insert({});
    await world.pass();
    await backgroundDone();
    const commands = recordCommands(world);
    await world.insert(
      { _id: "due", campaignId: "c" },
      { _id: "late", campaignId: "c", scheduledAt: ago(300) },
    );
    expect(await world.pass()).toMatchObject({ sent: 1, missed: 1 });
    const queries = commands.filter(
      ({ collection, name }) =>
        ["messages", "campaigns"].includes(collection) && ["find", "aggregate", "update"].includes(name),
    );
    await expectServedByIndexes(world, queries);
  });

  test("are asked with the simple collation by every command of a pass", async () => {
    const world = await collatedWorld();
    const commands = recordCommands(world);
    const { insertedId: campaignId } = await world.campaigns.insertOne({ sessionId: new ObjectId() });
    await world.insert({}, { campaignId }, { campaignId, sessionId: "default" }, { scheduledAt: ago(300) });
    await world.pass();
    await world.pass();
    const simple = { locale: "simple" };
    const compared = commands.filter(
      ({ collection, name }) =>
        ["messages", "campaigns", "sessions"].includes(collection) && !/Indexes$/.test(name),
    );
    expect(new Set(compared.map(({ name }) => name))).toEqual(new Set(["find", "aggregate", "update"]));
    for (const { command, name } of compared) {
      const collations =
        name === "update" ? command.updates.map((u: Document) => u.collation) : [command.collation];
      expect(new Set(collations.map((c: unknown) => JSON.stringify(c))), JSON.stringify(command)).toEqual(
        new Set([JSON.stringify(simple)]),
      );
    }
  });
});
