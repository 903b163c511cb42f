import { setTimeout as sleep } from "node:timers/promises";
import type { Document, ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { findUncertain, forgetSettled, recordFinding, type Uncertain } from "../../lib/messages/lookups.ts";
import { RECEIPTS } from "../../lib/messages/message.ts";
import { openDatabase } from "../../lib/mongo/client.ts";
import { expectServedByIndexes, recordCommands } from "../support/commands.ts";
import { type EventFields, hear, WEBHOOK_KEY } from "../support/webhooks.ts";
import { ago, createWorld, type World } from "../support/world.ts";

const SETTINGS = { WAHA_WEBHOOK_KEY: WEBHOOK_KEY };
const CHAT = "491701234567@c.us";
const ACKS = [1, -1, 2, 3, 4];

const open = (settings: NodeJS.ProcessEnv = {}) => createWorld({}, { ...SETTINGS, ...settings });

const database = (world: World) => openDatabase(parseConfig(world.env));

/** A message after an attempt `seconds` ago, whose receipts are awaited. */
function attempted(seconds: number, delivery: Document = {}, fields: Document = {}): Document {
  return {
    chatId: CHAT,
    scheduledAt: ago(seconds + 5),
    isPicked: true,
    ...fields,
    delivery: {
      state: "attempting",
      passId: "another",
      attempts: 1,
      attemptAt: ago(seconds),
      session: "default",
      chatId: CHAT,
      waMessageId: "RAW1",
      nextLookupAt: ago(seconds - 120),
      receiptsUntil: ago(-1000),
      ...delivery,
    },
  };
}

const sent = (delivery: Document = {}) =>
  attempted(200, { state: "sent", nextLookupAt: undefined, ...delivery }, { isSent: true, sentAt: ago(200) });

async function place(world: World, message: Document): Promise<ObjectId> {
  const [id] = await world.insert(message);
  return id as ObjectId;
}

/** What a message is after an event about it. */
async function heardOn(message: Document, fields: EventFields, settings: NodeJS.ProcessEnv = {}) {
  const world = await open(settings);
  const id = await place(world, message);
  await hear(world, "RAW1", fields);
  return world.find(id);
}

describe("a receipt", () => {
  test("is awaited for seven days from the intent on, where there is a key, and the ids match", async () => {
    const world = await open();
    const [id] = await world.insert({});
    await world.pass();
    const { delivery } = await world.find(id);
    const days = (delivery.receiptsUntil.getTime() - delivery.attemptAt.getTime()) / 86_400_000;
    expect(days).toBeCloseTo(7, 3);
    expect(delivery).not.toHaveProperty("receipt");
    await hear(world, world.waha.ledger[0]?.id ?? "", { ack: 3 });
    expect(await world.find(id)).toMatchObject({
      isSent: true,
      delivery: { ...delivery, receipt: "read", receiptAt: expect.any(Date) },
    });
  });

  test("is not awaited without a key", async () => {
    const world = await createWorld();
    const [id] = await world.insert({});
    await world.pass();
    expect((await world.find(id)).delivery).not.toHaveProperty("receiptsUntil");
  });

  test("only rises, in whatever order events come", async () => {
    const world = await open();
    for (const [first, receipt] of RECEIPTS.entries())
      for (const [second, other] of RECEIPTS.entries()) {
        await world.messages.deleteMany({});
        const id = await place(world, sent());
        await hear(world, "RAW1", { ack: ACKS[first] });
        const { receiptAt } = (await world.find(id)).delivery;
        await hear(world, "RAW1", { ack: ACKS[second] });
        const { delivery, isSent } = await world.find(id);
        expect([receipt, other, delivery.receipt]).toEqual([
          receipt,
          other,
          second > first ? other : receipt,
        ]);
        expect(isSent).toBe(true);
        if (second <= first) expect(delivery.receiptAt).toEqual(receiptAt);
      }
  });

  test.each<[name: string, fields: EventFields, receipt: string | undefined]>([
    ["the chat in another form", { id: "true_1234567@lid_RAW1" }, "delivered"],
    ["a group, with a participant behind it", { id: "true_1203@g.us_RAW1_49170@c.us" }, "delivered"],
    [
      "a group's own event",
      { event: "message.ack.group", id: "true_1203@g.us_RAW1_49170@c.us" },
      "delivered",
    ],
    ["another session", { session: "other" }, undefined],
    ["another message", { id: "true_49170@c.us_RAW2" }, undefined],
    ["a message of the same id that came back", { id: "false_49170@c.us_RAW1", fromMe: false }, undefined],
  ])("with %s", async (_name, fields, receipt) => {
    expect((await heardOn(sent(), fields)).delivery.receipt).toBe(receipt);
  });

  test("is taken while its pass waits for the answer, which then settles the message beside it", async () => {
    const world = await open();
    const answer = world.waha.addFault({
      match: { route: "sendText" },
      action: { type: "delay", ms: 60_000 },
    });
    const [id] = await world.insert({});
    const pass = world.pass();
    await world.waha.accepted(1);
    await hear(world, world.waha.ledger[0]?.id ?? "", { ack: 2 });
    expect(await world.find(id)).toMatchObject({
      isSent: false,
      delivery: { state: "attempting", receipt: "delivered" },
    });
    answer();
    expect(await pass).toMatchObject({ ok: true, sent: 1 });
    expect(await world.find(id)).toMatchObject({
      isSent: true,
      delivery: { state: "sent", receipt: "delivered" },
    });
  });

  test("is awaited no more after its time; the indexes let the message go", async () => {
    const world = await open();
    const old = await place(world, sent({ receiptsUntil: ago(1), waMessageId: "RAW0" }));
    const young = await place(world, sent({ receiptsUntil: ago(-60) }));
    for (const raw of ["RAW0", "RAW1"]) await hear(world, raw, { ack: 3 });
    expect((await world.find(old)).delivery).not.toHaveProperty("receipt");
    expect((await world.find(young)).delivery.receipt).toBe("read");
    await world.pass();
    expect((await world.find(old)).delivery).not.toHaveProperty("receiptsUntil");
    expect((await world.find(young)).delivery).toHaveProperty("receiptsUntil");
  });
});

/** What an event proves, by engine. */
const PROOF: [engine: string, event: string, ack: number, state: string][] = [
  ["GOWS", "message.any", 0, "sent"],
  ["NOWEB", "message.any", 0, "sent"],
  ["WEBJS", "message.any", 0, "unknown"],
  ["WPP", "message.any", 0, "unknown"],
  ["", "message.any", 0, "unknown"],
  ["WEBJS", "message.any", 1, "sent"],
  ["GOWS", "message.ack", 0, "unknown"],
  ["NOWEB", "message.ack", 0, "unknown"],
  ["WEBJS", "message.ack", 1, "sent"],
  ["NOWEB", "message.ack", 1, "sent"],
  ["GOWS", "message.ack", 2, "sent"],
  ["WPP", "message.ack", 4, "sent"],
  ["NOWEB", "message.ack", -1, "failed"],
  ["WEBJS", "message.ack", -1, "failed"],
  ["GOWS", "message.any", -1, "failed"],
];

test.each(PROOF)("%s: %s with ack %d makes an unknown message %s", async (engine, event, ack, state) => {
  const message = await heardOn(attempted(900, { state: "unknown" }), { engine, event, ack });
  expect([message.delivery.state, message.isSent]).toEqual([state, state === "sent"]);
});

describe("proof settles", () => {
  const error = { code: "waha_timeout", message: "in words", at: ago(50) };
  test.each<[name: string, make: () => Document, sent: string, refused: string]>([
    ["an attempt that has a reason", () => attempted(60, { error }), "sent", "failed"],
    ["an attempt past its lookup's time and its POST's limit", () => attempted(130), "sent", "failed"],
    ["not one that its pass may wait for", () => attempted(5), "attempting", "attempting"],
    [
      "not one past its lookup's time alone",
      () => attempted(5, { nextLookupAt: ago(1) }),
      "attempting",
      "attempting",
    ],
    [
      "not one of a file, for which its pass waits longer",
      () => attempted(60, { nextLookupAt: ago(-200) }),
      "attempting",
      "attempting",
    ],
    [
      "what was given back",
      () => attempted(60, { state: "released", error }, { isPicked: false }),
      "sent",
      "released",
    ],
    [
      "what another pass has claimed again",
      () => attempted(60, { state: "claimed", claimExpiresAt: ago(-60) }),
      "sent",
      "claimed",
    ],
    ["what was missed since", () => attempted(600, { state: "missed", error }), "sent", "missed"],
    ["what an answer called refused", () => attempted(60, { state: "failed", error }), "sent", "failed"],
  ])("%s", async (_name, make, afterSent, afterRefused) => {
    const message = make();
    const proven = await heardOn(message, { ack: 1 });
    expect([proven.delivery.state, proven.isSent]).toEqual([afterSent, afterSent === "sent"]);
    if (afterSent === "sent") {
      expect(proven).toMatchObject({ isPicked: true, sentAt: message.delivery.attemptAt });
      expect(proven.delivery.nextLookupAt.getTime()).toBeLessThanOrEqual(Date.now() + 1000);
      for (const field of ["error", "claimExpiresAt"]) expect(proven.delivery).not.toHaveProperty(field);
    }
    expect((await heardOn(make(), { ack: -1 })).delivery.state).toBe(afterRefused);
  });

  test("with the reason of WhatsApp's refusal, also in the app's own fields", async () => {
    const world = await open({ DOCUMENTS: '{"messages": {"failed": "bad", "failedReason": "why"}}' });
    const id = await place(world, attempted(900, { state: "unknown" }));
    await hear(world, "RAW1", { ack: -1 });
    const found = await world.find(id);
    expect(found).toMatchObject({
      bad: true,
      why: expect.stringMatching(/^whatsapp_refused: .*\(ack -1\)$/),
      delivery: { state: "failed", receipt: "refused", error: { code: "whatsapp_refused" } },
    });
    await hear(world, "RAW1", { ack: 3 });
    expect(await world.find(id)).toMatchObject({ bad: false, why: null, isSent: true });
  });
});

describe("every two events, one after the other", () => {
  const EVENTS = { any: { event: "message.any", ack: 0 }, 1: { ack: 1 }, "-1": { ack: -1 }, 2: { ack: 2 } };
  type Event = keyof typeof EVENTS;
  const names = ["any", 1, "-1", 2] as const satisfies Event[];
  const error = { code: "waha_timeout", message: "in words", at: ago(50) };
  const STATES: [name: string, make: (waMessageId: string) => Document][] = [
    ["waiting", (waMessageId) => attempted(5, { waMessageId })],
    ["attempting", (waMessageId) => attempted(60, { waMessageId, error })],
    ["unknown", (waMessageId) => attempted(900, { waMessageId, state: "unknown", error })],
    ["sent", (waMessageId) => sent({ waMessageId })],
    ["failed", (waMessageId) => attempted(60, { waMessageId, state: "failed", error })],
    ["released", (id) => attempted(60, { waMessageId: id, state: "released", error }, { isPicked: false })],
    ["claimed", (waMessageId) => attempted(60, { waMessageId, state: "claimed", claimExpiresAt: ago(-60) })],
    ["missed", (waMessageId) => attempted(600, { waMessageId, state: "missed", error })],
  ];

  /** What it must be: [state, receipt, the error's code if it is about a refusal, whether it is marked as proven]. */
  function expected(state: string, first: Event, second: Event): unknown[] {
    const both = [first, second];
    const isPhone = both.includes(2);
    const isRefused = both.includes("-1");
    const receipt = isPhone ? "delivered" : isRefused ? "refused" : both.includes(1) ? "server" : undefined;
    if (state === "waiting") return ["attempting", receipt, undefined, first === "any"];
    const startsSent = state === "sent";
    if (isPhone || !isRefused) return ["sent", receipt, undefined, false];
    if (startsSent || first !== "-1") return ["sent", "refused", "refused_after_accepting", false];
    const isOpen = state === "attempting" || state === "unknown";
    return isOpen ? ["failed", "refused", "whatsapp_refused", false] : [state, "refused", undefined, false];
  }

  test.each(STATES)("of a message that is %s", async (state, make) => {
    const world = await open();
    const pairs = names.flatMap((first) => names.map((second) => [first, second] as const));
    await world.insert(...pairs.map((pair) => make(pair.join(" "))));
    for (const place of [0, 1] as const)
      await Promise.all(pairs.map((pair) => hear(world, pair.join(" "), EVENTS[pair[place]])));
    for (const [first, second] of pairs) {
      const found = await world.messages.findOne({ "delivery.waMessageId": `${first} ${second}` });
      const { error: told, provenAt, receipt, state: is } = found?.delivery ?? {};
      const code = String(told?.code).includes("refused") ? told.code : undefined;
      const became = [is, receipt, code, provenAt instanceof Date];
      expect([first, second, ...became]).toEqual([first, second, ...expected(state, first, second)]);
      expect(found?.isSent).toBe(is === "sent");
    }
  });

  test("a late refusal does not undo what a phone has, also of an attempt that its pass gave up", async () => {
    const message = await heardOn(attempted(60, { error, receipt: "delivered" }), { ack: -1 });
    expect(message.delivery).toMatchObject({ state: "attempting", receipt: "delivered" });
  });
});

test("what WhatsApp refused, and is put back to be sent, no replay takes for sent: it is posted", async () => {
  const world = await open();
  const delivery = { state: "failed", receipt: "refused", error: { code: "whatsapp_refused" } };
  const id = await place(world, attempted(60, delivery, { isPicked: false }));
  const replay = async () => {
    await hear(world, "RAW1", { event: "message.any", ack: 0 });
    await hear(world, "RAW1", { ack: 1 });
    return (await world.find(id)).isSent;
  };
  expect(await replay()).toBe(false);
  const answer = world.waha.addFault({ match: { route: "sendText" }, action: { type: "delay", ms: 60_000 } });
  const pass = world.pass();
  await world.waha.accepted(1);
  expect(await replay()).toBe(false);
  answer();
  expect(await pass).toMatchObject({ sent: 1 });
  expect((await world.find(id)).delivery).not.toHaveProperty("receipt");
});

test("a refusal that a lookup found is a receipt, so that no late event takes the message for sent", async () => {
  const world = await open();
  const id = await place(world, attempted(60, { nextLookupAt: ago(1), receipt: "refused" }));
  const other = await place(world, attempted(60, { nextLookupAt: ago(1), waMessageId: "RAW2" }));
  world.waha.addFault({
    match: { route: "lookup" },
    action: { type: "status", status: 200, body: { id: "true_49170@c.us_RAW2", fromMe: true, ack: -1 } },
  });
  expect(await world.pass()).toMatchObject({ failed: 2, reconciled: 2 });
  for (const [message, raw] of [
    [id, "RAW1"],
    [other, "RAW2"],
  ] as const) {
    await hear(world, raw, { event: "message.any", ack: 0 });
    await hear(world, raw, { ack: 1 });
    expect((await world.find(message)).delivery).toMatchObject({ state: "failed", receipt: "refused" });
  }
});

test("a message of NOWEB's own that came while a pass waited that died is proof, without a lookup", async () => {
  const world = await open();
  const id = await place(world, attempted(5));
  await hear(world, "RAW1", { event: "message.any", ack: 0 });
  const { delivery } = await world.find(id);
  expect(delivery).toMatchObject({ state: "attempting", provenAt: expect.any(Date) });
  expect(delivery).not.toHaveProperty("receipt");
  await hear(world, "RAW1", { event: "message.any", ack: 0 });
  expect((await world.find(id)).delivery).toEqual(delivery);
  await world.messages.updateMany({}, { $set: { "delivery.nextLookupAt": ago(1) } });
  expect(await world.pass()).toMatchObject({ reconciled: 1 });
  expect(await world.find(id)).toMatchObject({ isSent: true, delivery: { state: "sent" } });
  expect(world.waha.requestCount({ route: "lookup" })).toBe(0);
});

test("a message of GOWS's own says that WhatsApp's server has it", async () => {
  const own = { engine: "GOWS", event: "message.any", ack: 0 };
  expect((await heardOn(attempted(5), own)).delivery).toMatchObject({
    state: "attempting",
    receipt: "server",
  });
  expect((await heardOn(sent(), own)).delivery).toMatchObject({ receipt: "server" });
  expect((await heardOn(sent(), { ...own, engine: "NOWEB" })).delivery).not.toHaveProperty("receipt");
});

describe("what an event settles is counted and told by the next pass, once", () => {
  const unknown = () => attempted(900, { state: "unknown" });
  test.each<[name: string, make: () => Document, ack: number, first: Document, codes: string[]]>([
    ["sent", unknown, 1, { reconciled: 1, failed: 0 }, []],
    ["failed", unknown, -1, { reconciled: 1, failed: 1 }, ["whatsapp_refused"]],
    ["refused after it was accepted", sent, -1, { reconciled: 0, failed: 0 }, ["refused_after_accepting"]],
  ])("%s", async (_name, make, ack, counts, codes) => {
    const world = await open();
    await place(world, make());
    await hear(world, "RAW1", { ack });
    const first = await world.pass();
    expect(first).toMatchObject(counts);
    expect(first.errors.map(({ code }) => code)).toEqual(codes);
    expect(await world.pass()).toMatchObject({ reconciled: 0, failed: 0, errors: [] });
  });

  // With such an error the time to look after it stays: the receipt alone tells.
  test.each([{ code: "database_refused", message: "in words", at: ago(9) }, undefined])(
    "also where a refusal comes after what was seen: that is kept for the next pass (%o)",
    async (error) => {
      const world = await open();
      const id = await place(world, sent({ nextLookupAt: ago(1), ...(error ? { error } : {}) }));
      const [seen] = await findUncertain(database(world), new Date(), 1);
      await hear(world, "RAW1", { ack: -1 });
      expect(await forgetSettled(database(world), id, seen?.delivery ?? {})).toBe(false);
      expect((await world.pass()).errors).toMatchObject([{ code: "refused_after_accepting", count: 1 }]);
      expect((await world.find(id)).delivery.error.code).toBe("refused_after_accepting");
    },
  );
});

test("a finding is not recorded over a receipt that came since", async () => {
  const world = await open();
  const id = await place(world, attempted(60, { nextLookupAt: ago(1) }));
  const [seen] = await findUncertain(database(world), new Date(), 1);
  await world.messages.updateOne({}, { $set: { "delivery.receipt": "delivered" } });
  const finding = { to: "unknown", reason: { code: "answer_lost" }, nextLookupAt: undefined } as const;
  expect(await recordFinding(database(world), seen as Uncertain, finding, new Date())).toBe(false);
  expect((await world.find(id)).delivery.state).toBe("attempting");
});

test("what was given back, and turns out to be sent, is not posted a second time", async () => {
  const world = await open();
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "status", status: 400 }, times: 1 });
  const [id] = await world.insert({});
  await world.pass();
  const { delivery } = await world.find(id);
  expect(delivery).toMatchObject({ state: "released", waMessageId: expect.any(String) });
  await hear(world, delivery.waMessageId, { ack: 1 });
  await world.messages.updateMany({}, { $unset: { "delivery.settledAt": "" } });
  await world.pass();
  expect(world.waha.ledger).toHaveLength(0);
  expect(await world.find(id)).toMatchObject({
    isSent: true,
    delivery: { state: "sent", receipt: "server" },
  });
});

test("an answer that contradicts a receipt is not recorded, and reconcile settles by the receipt", async () => {
  const world = await open();
  const steps = { match: { route: "sendText" as const }, times: 1 };
  const answer = world.waha.addFault({ ...steps, action: { type: "delay", ms: 60_000 } });
  const [id] = await world.insert({});
  const pass = world.pass();
  await world.waha.accepted(1);
  await hear(world, world.waha.ledger[0]?.id ?? "", { ack: -1 });
  answer();
  await pass;
  expect(await world.find(id)).toMatchObject({ isSent: false, delivery: { state: "attempting" } });
  await world.messages.updateMany({}, { $set: { "delivery.nextLookupAt": ago(1) } });
  expect(await world.pass()).toMatchObject({ failed: 1, reconciled: 1 });
  expect(await world.find(id)).toMatchObject({
    isSent: false,
    delivery: { state: "failed", error: { code: "whatsapp_refused" } },
  });
  expect(world.waha.requestCount({ route: "lookup" })).toBe(0);
});

test("a receipt that came while a pass waited that died is proof, without a lookup", async () => {
  const world = await open();
  const id = await place(world, attempted(5));
  await hear(world, "RAW1", { ack: 1 });
  await world.messages.updateMany({}, { $set: { "delivery.nextLookupAt": ago(1) } });
  expect(await world.pass()).toMatchObject({ reconciled: 1 });
  expect(await world.find(id)).toMatchObject({ isSent: true, delivery: { state: "sent" } });
  expect(world.waha.requestCount({ route: "lookup" })).toBe(0);
});

test("a campaign whose unknown message turns out to be sent is counted again by the next pass", async () => {
  const world = await open();
  const { insertedId: campaignId } = await world.campaigns.insertOne({
    status: "completed_with_failures",
    completedAt: ago(600),
    delivery: { open: false, rev: 3, counts: { total: 1, sent: 0, failed: 0, missed: 0, unknown: 1 } },
  });
  const id = await place(world, attempted(900, { state: "unknown" }, { campaignId }));
  await hear(world, "RAW1", { ack: 2 });
  expect(await world.pass()).toMatchObject({ campaignsCompleted: 1, ok: true });
  expect(await world.campaigns.findOne({})).toMatchObject({
    status: "completed",
    delivery: { counts: { sent: 1, unknown: 0 } },
  });
  expect((await world.find(id)).delivery).not.toHaveProperty("nextLookupAt");
});

test("what WhatsApp refuses after WAHA accepted it stays sent, says so, and is told once", async () => {
  const world = await open();
  const id = await place(world, sent());
  await hear(world, "RAW1", { ack: -1 });
  expect(await world.find(id)).toMatchObject({
    isSent: true,
    delivery: { state: "sent", receipt: "refused", error: { code: "refused_after_accepting" } },
  });
  const first = await world.pass();
  expect(first.errors).toMatchObject([{ code: "refused_after_accepting", count: 1 }]);
  expect((await world.pass()).errors).toEqual([]);
  await hear(world, "RAW1", { ack: 2 });
  const { delivery } = await world.find(id);
  expect(delivery.receipt).toBe("delivered");
  expect(delivery).not.toHaveProperty("error");
});

test("events that come together share requests, and each learns what became of it", async () => {
  const world = await open();
  await world.insert(...Array.from({ length: 60 }, (_, n) => sent({ waMessageId: `RAW${n}` })));
  await world.db.command({
    collMod: "messages",
    validator: {
      $or: [{ "delivery.waMessageId": { $ne: "RAW7" } }, { "delivery.receipt": { $exists: false } }],
    },
  });
  const commands = recordCommands(world);
  await Promise.all(Array.from({ length: 60 }, (_, n) => hear(world, `RAW${n}`, { ack: 2 })));
  expect(commands.length).toBeLessThan(10);
  expect(await world.messages.countDocuments({ "delivery.receipt": "delivered" })).toBe(59);
});

test("events that come soon after one another share requests, too", async () => {
  const world = await open();
  const raws = Array.from({ length: 20 }, (_, n) => `RAW${n}`);
  await world.insert(...raws.map((waMessageId) => sent({ waMessageId })));
  await hear(world, "another", { ack: 2 });
  const commands = recordCommands(world);
  const began = performance.now();
  const heard: Promise<unknown>[] = [];
  for (const raw of raws) {
    heard.push(hear(world, raw, { ack: 2 }));
    await sleep(10);
  }
  await Promise.all(heard);
  expect(commands.length).toBeLessThanOrEqual(2 + (performance.now() - began) / 250);
  expect(await world.messages.countDocuments({ "delivery.receipt": "delivered" })).toBe(20);
});

test("an event is one write, served by an index; so is the end of the waiting", async () => {
  const world = await open();
  await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
  await world.insert(...Array.from({ length: 500 }, (_, n) => sent({ waMessageId: `RAW${n + 2}` })), sent());
  const commands = recordCommands(world);
  for (const ack of [1, -1, 3, 3]) await hear(world, "RAW1", { ack });
  await hear(world, "NOT-OURS", { ack: 3 });
  expect(commands.map(({ name }) => name)).toEqual(Array.from({ length: 5 }, () => "update"));
  await world.messages.updateMany({}, { $set: { "delivery.receiptsUntil": ago(1) } });
  await world.pass();
  const queries = commands.filter(
    ({ name, command }) =>
      ["find", "update"].includes(name) && JSON.stringify(command).includes("receiptsUntil"),
  );
  expect(queries.length).toBe(7);
  await expectServedByIndexes(world, queries);
});
