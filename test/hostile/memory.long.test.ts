import type { Document } from "mongodb";
import { expect, test } from "vitest";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { callAlone } from "../support/call-alone.ts";
import { ago, createWorld, message, type World } from "../support/world.ts";
import { ID } from "./answers.ts";
import { type Answer, startRawServer } from "./raw-server.ts";

/** In kB; some 100 MB are the runtime's and the libraries' own. */
const LIMIT = 256 * 1024;

/** In MB; without it the runtime leaves garbage where it is, and what is measured is not what is needed. */
const HEAP = 64;

async function callInSmallHeap(world: World): Promise<{ summary: Document; maxRss: number }> {
  const { body, maxRss } = await callAlone(world, {
    args: [`--max-old-space-size=${HEAP}`, "--max-semi-space-size=2"],
  });
  return { summary: JSON.parse(body), maxRss };
}

/** As long as a field can be in a document that must not exceed 16 MB. */
const LARGE = 15_000_000;

/** More of them than the heap holds. */
const MANY = 5;

/** Inserts such documents with these fields besides; their ids are the name and a number. */
async function insertLarge(world: World, collection: string, name: string, fields: Document): Promise<void> {
  const copies = [
    { $set: { n: { $range: [0, MANY] } } },
    { $unwind: "$n" },
    { $set: { ...fields, _id: { $concat: [name, { $toString: "$n" }] } } },
    { $merge: collection },
  ];
  await world.db.collection("large").aggregate(copies).toArray();
}

test("a pass stays small among documents as large as documents can be", async () => {
  const world = await createWorld();
  await world.db.collection("large").insertOne({ other: "x".repeat(LARGE) });
  const { _id, ...plain } = message();
  const { chatId } = plain;
  const attempt = { state: "attempting", passId: "dead", attemptAt: ago(500), session: "default", chatId };
  const delivery = { ...attempt, waMessageId: "A", nextLookupAt: ago(1) };
  const own = (name: string) => ({ $concat: [name, { $toString: "$n" }] });
  await insertLarge(world, "sessions", "session", { name: "default" });
  await insertLarge(world, "campaigns", "campaign", { delivery: { open: true, rev: 1 } });
  await insertLarge(world, "messages", "by session", { ...plain, sessionId: own("session") });
  await insertLarge(world, "messages", "by campaign", {
    ...{ ...plain, campaignId: own("campaign"), sessionId: "default" },
  });
  await insertLarge(world, "messages", "late", { ...plain, scheduledAt: ago(300) });
  await insertLarge(world, "messages", "uncertain", { ...plain, isPicked: true, delivery });
  await insertLarge(world, "messages", "long", { ...plain, content: "$other", other: null });
  await insertLarge(world, "messages", "to no chat", { ...plain, chatId: "$other", other: null });
  const { summary, maxRss } = await callInSmallHeap(world);
  expect(summary).toMatchObject({ sent: 2 * MANY, failed: 2 * MANY, missed: MANY, campaignsCompleted: MANY });
  expect(maxRss).toBeLessThan(LIMIT);
});

const SESSIONS = Array.from({ length: 20 }, (_, n) => `session-${n}`);

/** The JSON of an object with so much more in it. */
const padded = (fields: object, bytes: number) =>
  JSON.stringify({ ...fields, config: Array.from({ length: bytes / 13 }, () => "x".repeat(10)) });

test("a pass stays small whatever WAHA's answers weigh, on many sessions at once", async () => {
  const world = await createWorld();
  const engine = { engine: "GOWS" };
  const list = SESSIONS.map((name) => padded({ name, status: "WORKING", engine }, 200_000));
  const answers: [part: string, status: number, bodies: string[]][] = [
    ["sessions", 200, [`[${list.join(",")}]`]],
    ["version", 200, [padded({ version: "2026.7.1", ...engine }, 500_000)]],
    ["sendText", 201, [padded({ id: ID }, 500_000), padded({ id: ID }, 7_500_000)]],
  ];
  let asked = 0;
  const server = await startRawServer(({ target }): Answer => {
    const [, status, bodies] = answers.find(([part]) => target.includes(part)) ?? ["", 404, [""]];
    asked += 1;
    return { status, body: bodies[asked % bodies.length] ?? "" };
  });
  world.env.WAHA_API_URL = server.url;
  await world.insert(...[...SESSIONS, ...SESSIONS, ...SESSIONS].map((sessionId) => ({ sessionId })));
  const { summary, maxRss } = await callInSmallHeap(world);
  expect(summary).toMatchObject({ ok: true, sent: 3 * SESSIONS.length });
  expect(maxRss).toBeLessThan(LIMIT);
});

/** Each in a group of its own: their keys as texts would fill the heap. */
const GROUPS = 25_000;
const LONG_NAME = "x".repeat(480);

test("a pass stays small among messages that each name another campaign, and the others go out", {
  timeout: 180_000,
}, async () => {
  // Each look at so many groups takes its time.
  const world = await createWorld({}, { PASS_SECONDS: "60", TAIL_SECONDS: "10" });
  await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
  const names = [{ $set: { n: { $range: [0, GROUPS] } } }, { $unwind: "$n" }];
  const { _id, ...plain } = message();
  const fields = { ...plain, _id: "$n", campaignId: { $concat: [LONG_NAME, { $toString: "$n" }] } };
  await world.db.collection("one").insertOne({});
  await world.db
    .collection("one")
    .aggregate([...names, { $replaceWith: fields }, { $merge: "messages" }])
    .toArray();
  // No more than a first claim takes.
  await world.insert(...Array.from({ length: 10 }, () => ({ content: "good" })));
  const { summary, maxRss } = await callInSmallHeap(world);
  expect(summary).toMatchObject({ sent: 10, errors: [{ code: "campaign_not_found", count: GROUPS }] });
  expect(maxRss).toBeLessThan(LIMIT);
});
