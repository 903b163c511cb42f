import { Binary, BSONRegExp, type Document, type ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { recordCommands } from "../support/commands.ts";
import { ago, createWorld } from "../support/world.ts";

/** What an app that stores whatever it is given may leave where a reference belongs. */
const ODD: [name: string, reference: unknown][] = [
  ["an operator", { $gt: "" }],
  ["extended JSON", { $oid: "0123456789abcdef01234567" }],
  ["a document", { a: 1 }],
  ["a list", ["default"]],
  ["a regular expression", /default/],
  ["a boolean", false],
  ["a date", new Date(0)],
  ["bytes", new Binary(Buffer.from("x"))],
];

test.each(ODD)("%s for a reference stops no other message, due or late", async (_name, odd) => {
  const world = await createWorld();
  const [bySession, byCampaign, good, late] = await world.insert(
    { sessionId: odd },
    { campaignId: odd },
    {},
    { campaignId: odd, scheduledAt: ago(300) },
  );
  expect(await world.pass()).toMatchObject({ sent: 1, missed: 1 });
  expect(await world.find(good)).toMatchObject({ isSent: true });
  expect((await world.find(bySession)).delivery).toMatchObject({
    state: "released",
    error: { code: "session_not_found" },
  });
  expect((await world.find(byCampaign)).delivery).toMatchObject({
    state: "released",
    error: { code: "campaign_not_found" },
  });
  expect((await world.find(late)).delivery.state).toBe("missed");
});

test("an attempt that lacks its time is unknown, and stops neither the sending nor the next pass", async () => {
  const world = await createWorld();
  const delivery = {
    state: "attempting",
    passId: "x",
    session: "default",
    chatId: "49170@c.us",
    waMessageId: "A",
  };
  const [odd, good] = await world.insert(
    { isPicked: true, delivery: { ...delivery, nextLookupAt: ago(1) } },
    {},
  );
  expect(await world.pass()).toMatchObject({ sent: 1, unknown: 1 });
  expect((await world.find(odd)).delivery.state).toBe("unknown");
  expect(await world.find(good)).toMatchObject({ isSent: true });
});

test("a list of dates for a time is never due", async () => {
  const world = await createWorld();
  const [odd, good] = await world.insert({ scheduledAt: [ago(5), ago(9)] }, {});
  expect(await world.pass()).toMatchObject({ sent: 1 });
  expect(await world.find(odd)).toMatchObject({ isSent: false });
  expect(await world.find(good)).toMatchObject({ isSent: true });
});

test("regular expressions that this runtime does not know stop no other message", async () => {
  const world = await createWorld();
  const [odd, good] = await world.insert({ content: new BSONRegExp("(?i)x", "") }, {});
  expect(await world.pass()).toMatchObject({ sent: 1, failed: 1 });
  expect(await world.find(good)).toMatchObject({ isSent: true });
  expect(await world.messages.countDocuments({ _id: odd as ObjectId, "delivery.state": "failed" })).toBe(1);
});

test("a text of any characters goes out as it is", async () => {
  const world = await createWorld();
  const [id] = await world.insert({ content: "\u{10FFFF} \u0000 ‮ 👩‍👩‍👧 \\ud800" });
  expect(await world.pass()).toMatchObject({ sent: 1 });
  expect(world.waha.ledger[0]?.text).toBe((await world.find(id)).content);
});

test("references in both forms to a session that does not work all say why", async () => {
  const world = await createWorld({ sessions: [{ name: "default" }, { name: "off", status: "STOPPED" }] });
  const { insertedId } = await world.sessions.insertOne({ name: "off" });
  const ids = await world.insert({ sessionId: insertedId }, { sessionId: insertedId.toHexString() });
  const { errors } = await world.pass();
  expect(errors).toMatchObject([{ code: "session_not_working", count: 2 }]);
  for (const id of ids) expect((await world.find(id)).delivery.error.code).toBe("session_not_working");
});

test("however many messages can't be sent, telling them why takes a few requests", async () => {
  const world = await createWorld();
  const commands = recordCommands(world);
  const lost = Array.from({ length: 6000 }, (_, n) => ({ sessionId: `gone-${n}`, scheduledAt: ago(60) }));
  await world.insert(...lost, { content: "good" });
  expect(await world.pass()).toMatchObject({ sent: 1, errors: [{ code: "session_not_found", count: 6000 }] });
  expect(
    commands.filter(({ name, collection }) => name === "update" && collection === "messages").length,
  ).toBeLessThan(10);
  expect(await world.messages.countDocuments({ "delivery.error.code": "session_not_found" })).toBe(6000);
});

test("a message that a validation rule turns away stops no other, be it at its claim or its campaign's", async () => {
  const world = await createWorld();
  const { insertedId: legacy } = await world.campaigns.insertOne({ name: "legacy", sessionId: "default" });
  const [bad, good, ofLegacy] = await world.insert(
    { content: "legacy", scheduledAt: ago(50) },
    { content: "good", scheduledAt: ago(40) },
    { content: "of legacy", campaignId: legacy, scheduledAt: ago(30) },
  );
  await world.db.command({ collMod: "messages", validator: { content: { $ne: "legacy" } } });
  await world.db.command({ collMod: "campaigns", validator: { name: { $ne: "legacy" } } });
  // Once the message at its claim, once the campaign when it is opened.
  const errors = [{ code: "database_refused", count: 2 }];
  expect(await world.pass()).toMatchObject({ sent: 2, ok: false, errors });
  expect(await world.find(bad)).not.toHaveProperty("delivery");
  expect(await world.find(good)).toMatchObject({ isSent: true });
  expect(await world.find(ofLegacy)).toMatchObject({ isSent: true });
});

test("what a unique index of the app's turns away stops no other, be it a message or a campaign", async () => {
  const world = await createWorld();
  const campaigns = [
    { name: "running", status: "sending" },
    { name: "second", status: "scheduled" },
  ];
  const { insertedIds } = await world.campaigns.insertMany(
    campaigns.map((campaign) => ({ ...campaign, sessionId: "default" })),
  );
  const [, twice, good, ofSecond] = await world.insert(
    { chatId: "4917012345", isPicked: true, isSent: true },
    { chatId: "4917012345", scheduledAt: ago(50) },
    { scheduledAt: ago(40) },
    { campaignId: insertedIds[1], scheduledAt: ago(30) },
  );
  await world.messages.createIndex({ chatId: 1, isPicked: 1 }, { unique: true });
  const partialFilterExpression = { status: "sending" };
  await world.campaigns.createIndex({ sessionId: 1 }, { unique: true, partialFilterExpression });
  const errors = [{ code: "database_refused", count: 2 }];
  expect(await world.pass()).toMatchObject({ sent: 2, ok: false, errors });
  expect(await world.find(twice)).not.toHaveProperty("delivery");
  expect(await world.find(good)).toMatchObject({ isSent: true });
  expect(await world.find(ofSecond)).toMatchObject({ isSent: true });
});

test("an app that writes a whole document back over a claim gets the message sent once", async () => {
  const world = await createWorld();
  const [, twice] = await world.insert(
    { content: "first", scheduledAt: ago(50) },
    { content: "M", scheduledAt: ago(20) },
    { content: "last", scheduledAt: ago(10) },
  );
  // Stands for whatever keeps an outcome from being recorded for a while.
  const validator = { $or: [{ "delivery.state": { $ne: "sent" } }, { content: { $ne: "M" } }] };
  await world.db.command({ collMod: "messages", validator });
  const answer = world.waha.addFault({
    match: { route: "sendText", textIncludes: "first" },
    action: { type: "delay", ms: 60_000 },
  });
  const passing = world.call();
  await world.waha.received("sendText", 1);
  const { delivery, ...stale } = await world.find(twice);
  expect(delivery.state).toBe("claimed");
  await world.messages.replaceOne({ _id: twice as ObjectId }, { ...stale, isPicked: false });
  answer();
  await passing;
  await world.pass();
  expect(world.waha.ledger.filter((entry) => entry.text === "M")).toHaveLength(1);
  expect((await world.find(twice)).delivery.state).toBe("attempting");
});

test("a late message that a validation rule keeps from being missed is told", async () => {
  const world = await createWorld();
  const late = { scheduledAt: ago(300) };
  // The server stops at the odd one, and does not say what it has done before.
  await world.insert(late, { ...late, content: "legacy" }, late);
  await world.db.command({ collMod: "messages", validator: { content: { $ne: "legacy" } } });
  const { missed, errors } = await world.pass();
  expect(missed).toBe(2);
  expect(errors).toContainEqual(expect.objectContaining({ code: "too_old_at_first_pass", count: 2 }));
  expect(errors).toContainEqual(expect.objectContaining({ code: "database_refused", count: 1 }));
});

test("of late messages that say why themselves only those that end are counted", async () => {
  const world = await createWorld();
  const error = { code: "session_not_working", message: "said before", at: ago(200) };
  const late = { scheduledAt: ago(300), delivery: { state: "released", error } };
  await world.insert(late, { ...late, content: "legacy" });
  await world.db.command({ collMod: "messages", validator: { content: { $ne: "legacy" } } });
  const { missed, errors } = await world.pass();
  expect(missed).toBe(1);
  expect(errors).toContainEqual(expect.objectContaining({ code: "session_not_working", count: 1 }));
});

/** What a pass that died has left: a claim, and flags that the app reset on what was sent. */
const LEFT: [name: string, fields: Document, code: string, told: number][] = [
  [
    "claimed by a pass that died",
    { isPicked: true, delivery: { state: "claimed", claimExpiresAt: ago(5) } },
    "pass_died",
    2,
  ],
  // Nothing marks those that were set back before the database stopped.
  ["reset by the app", { delivery: { state: "sent" } }, "flag_reset", 1],
];

test.each(LEFT)(
  "a message %s that a validation rule holds fast is told, and stops no other",
  async (_name, fields, code, told) => {
    const world = await createWorld();
    const [good, odd, other] = await world.insert(fields, { content: "legacy", ...fields }, fields);
    await world.db.command({ collMod: "messages", validator: { content: { $ne: "legacy" } } });
    const before = await world.find(odd);
    const { errors } = await world.pass();
    expect(errors).toContainEqual(expect.objectContaining({ code: "database_refused", count: 1 }));
    expect(errors).toContainEqual(expect.objectContaining({ code, count: told }));
    expect(await world.find(odd)).toEqual(before);
    for (const id of [good, other])
      expect(await world.find(id)).toMatchObject({ isPicked: true, isSent: true });
  },
);

test("a message that can't be claimed keeps no other of its session waiting, however slow its pace", async () => {
  const world = await createWorld({}, { SEND_GAP_MS: "6000" });
  const [bad, good] = await world.insert({ content: "legacy", scheduledAt: ago(60) }, {});
  await world.db.command({ collMod: "messages", validator: { content: { $ne: "legacy" } } });
  expect(await world.pass()).toMatchObject({ sent: 1, more: true });
  expect(await world.find(bad)).not.toHaveProperty("delivery");
  expect(await world.find(good)).toMatchObject({ isSent: true });
});

const REWRITTEN: [name: string, change: Document][] = [
  ["as a text", { $set: { "delivery.claimedAt": new Date().toISOString() } }],
  ["not at all", { $unset: { "delivery.claimedAt": "" } }],
];

test.each(REWRITTEN)(
  "an app that writes the time of a claim %s stops no other message",
  async (_name, change) => {
    const world = await createWorld();
    const [first, odd, last] = await world.insert(
      { scheduledAt: ago(30) },
      { scheduledAt: ago(20) },
      { scheduledAt: ago(10) },
    );
    const answer = world.waha.addFault({
      match: { route: "sendText" },
      action: { type: "delay", ms: 60_000 },
    });
    const passing = world.pass();
    await world.waha.received("sendText", 1);
    await world.messages.updateOne({ _id: odd as ObjectId }, change);
    answer();
    expect(await passing).toMatchObject({ sent: 2 });
    for (const id of [first, last]) expect(await world.find(id)).toMatchObject({ isSent: true });
    expect(await world.find(odd)).toMatchObject({ isSent: false });
  },
);
