import type { Document, ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { ago, createWorld, type World } from "../support/world.ts";

const CHAT = "491701234567@c.us";

/** A message whose pass died `seconds` after its intent: it is not known whether it was posted. */
function attempted(seconds: number, fields: Document = {}): Document {
  const { delivery, ...rest } = fields;
  return {
    chatId: CHAT,
    scheduledAt: ago(seconds + 5),
    isPicked: true,
    ...rest,
    delivery: {
      state: "attempting",
      passId: "dead",
      attempts: 1,
      attemptAt: ago(seconds),
      session: "default",
      chatId: CHAT,
      waMessageId: "RAW1",
      nextLookupAt: ago(1),
      ...delivery,
    },
  };
}

/** Lets WAHA accept a message under an id, as the dead pass did. */
async function accept(world: World, id: string): Promise<void> {
  const response = await fetch(`${world.waha.url}/api/sendText`, {
    method: "POST",
    headers: { "X-Api-Key": world.env.WAHA_API_KEY ?? "", "content-type": "application/json" },
    body: JSON.stringify({ session: "default", chatId: CHAT, text: "Hello", id }),
  });
  expect(response.status).toBe(201);
}

test("found by its id: sent, at the time of the attempt", async () => {
  const world = await createWorld();
  await accept(world, "RAW1");
  const [id] = await world.insert(attempted(130));
  expect(await world.pass()).toMatchObject({ reconciled: 1, unknown: 0, sent: 0 });
  const found = await world.find(id);
  expect(found).toMatchObject({ isSent: true, delivery: { state: "sent" } });
  expect(found.sentAt).toEqual(found.delivery.attemptAt);
  expect(found.delivery).not.toHaveProperty("nextLookupAt");
  expect(world.waha.ledger).toHaveLength(1);
});

test("found with ack -1: failed, since WhatsApp refused it", async () => {
  const world = await createWorld();
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "ackError" } });
  await accept(world, "RAW1");
  const [id] = await world.insert(attempted(130));
  expect(await world.pass()).toMatchObject({ reconciled: 1, failed: 1 });
  expect(await world.find(id)).toMatchObject({
    isSent: false,
    delivery: { state: "failed", error: { code: "whatsapp_refused" } },
  });
});

test("not found is no proof for ten minutes, then the message is unknown and still looked up now and then", async () => {
  const world = await createWorld();
  const [young, old] = await world.insert(
    attempted(590),
    attempted(610, { delivery: { waMessageId: "RAW2" } }),
  );
  expect(await world.pass()).toMatchObject({ unknown: 1, reconciled: 0, ok: false });
  expect((await world.find(young)).delivery).toMatchObject({
    state: "attempting",
    nextLookupAt: expect.any(Date),
  });
  expect((await world.find(old)).delivery).toMatchObject({
    state: "unknown",
    error: { code: "answer_lost" },
    nextLookupAt: expect.any(Date),
  });
  await accept(world, "RAW2");
  await world.messages.updateOne({ _id: old as ObjectId }, { $set: { "delivery.nextLookupAt": ago(1) } });
  expect(await world.pass()).toMatchObject({ reconciled: 1 });
  expect(await world.find(old)).toMatchObject({ isSent: true, delivery: { state: "sent" } });
});

test("what a lookup proves of a settled campaign's message counts: the campaign is settled anew", async () => {
  const world = await createWorld();
  const counts = { total: 1, sent: 0, failed: 0, missed: 0, unknown: 1 };
  const settled = {
    status: "completed_with_failures",
    completedAt: ago(600),
    delivery: { open: false, rev: 3, counts },
  };
  const { insertedId: campaignId } = await world.campaigns.insertOne(settled);
  await accept(world, "RAW1");
  await world.insert(attempted(700, { campaignId, delivery: { state: "unknown" } }));
  expect(await world.pass()).toMatchObject({ reconciled: 1, campaignsCompleted: 1 });
  expect(await world.campaigns.findOne({})).toMatchObject({
    status: "completed",
    delivery: { counts: { sent: 1, unknown: 0 } },
  });
});

test("an unknown message is told once, and its lookups end after 24 hours", async () => {
  const world = await createWorld();
  const [id] = await world.insert(attempted(24 * 3600 + 5, { delivery: { state: "unknown" } }));
  expect(await world.pass()).toMatchObject({ ok: true, unknown: 0, reconciled: 0 });
  expect((await world.find(id)).delivery).not.toHaveProperty("nextLookupAt");
});

test("a lookup is not made before its time", async () => {
  const world = await createWorld();
  await world.insert(attempted(60, { delivery: { nextLookupAt: ago(-60) } }));
  await world.pass();
  expect(world.waha.requestCount({ route: "lookup" })).toBe(0);
});

/** What leaves nothing to look up by: unknown at once, and never looked up again. */
const HOPELESS: [name: string, simulator: object, delivery: object][] = [
  ["no message id", {}, { waMessageId: undefined }],
  ["a NOWEB session without its store", { sessions: [{ name: "default", store: false }] }, {}],
  ["a server without lookup", { lookup: false }, {}],
];

test.each(HOPELESS)("with %s it is unknown at once", async (_name, simulator, delivery) => {
  const world = await createWorld(simulator);
  const [id] = await world.insert(
    attempted(130, { delivery: { error: { code: "waha_timeout" }, ...delivery } }),
  );
  expect(await world.pass()).toMatchObject({ unknown: 1 });
  const found = (await world.find(id)).delivery;
  expect(found).toMatchObject({ state: "unknown", error: { code: "waha_timeout" } });
  expect(found).not.toHaveProperty("nextLookupAt");
});

test("while WAHA is away, only what needs no lookup is decided", async () => {
  const world = await createWorld();
  const [withId, without] = await world.insert(
    attempted(700),
    attempted(700, { delivery: { waMessageId: undefined } }),
  );
  await world.waha.pause();
  expect((await world.call()).status).toBe(503);
  expect((await world.find(withId)).delivery.state).toBe("attempting");
  expect((await world.find(without)).delivery.state).toBe("unknown");
});

test("after 24 hours nothing is looked up any more", async () => {
  const world = await createWorld({ sessions: [{ name: "default", status: "FAILED" }] });
  const [id] = await world.insert(attempted(24 * 3600 + 5));
  expect(await world.pass()).toMatchObject({ unknown: 1 });
  expect((await world.find(id)).delivery).not.toHaveProperty("nextLookupAt");
});

test("the lookup goes where the attempt went, whatever the app edited since", async () => {
  const world = await createWorld();
  await accept(world, "RAW1");
  const [id] = await world.insert(attempted(130, { chatId: "4911111@c.us", sessionId: "other" }));
  expect(await world.pass()).toMatchObject({ reconciled: 1 });
  expect(await world.find(id)).toMatchObject({ isSent: true });
});

test("a 201 that comes after the attempt was given up still settles it, and its campaign is counted again", async () => {
  const world = await createWorld({ engine: "WEBJS" });
  const { insertedId: campaignId } = await world.campaigns.insertOne({ sessionId: "default" });
  const thaw = world.waha.addFault({ match: { route: "sendText" }, action: { type: "delay", ms: 60_000 } });
  const [id] = await world.insert({ campaignId });
  const slow = world.pass();
  await world.waha.received("sendText", 1);
  await world.messages.updateOne({ _id: id as ObjectId }, { $set: { "delivery.nextLookupAt": ago(1) } });
  expect(await world.pass()).toMatchObject({ unknown: 1, campaignsCompleted: 1 });
  expect(await world.campaigns.findOne({})).toMatchObject({
    status: "completed_with_failures",
    delivery: { counts: { unknown: 1 } },
  });
  thaw();
  expect(await slow).toMatchObject({ sent: 1, campaignsCompleted: 1 });
  expect(await world.find(id)).toMatchObject({ isSent: true, delivery: { state: "sent" } });
  expect(await world.campaigns.findOne({})).toMatchObject({
    status: "completed",
    delivery: { counts: { sent: 1, unknown: 0 } },
  });
});
