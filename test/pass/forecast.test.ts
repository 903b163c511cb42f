import { type Document, ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { shownId } from "../../lib/log.ts";
import { openDatabase } from "../../lib/mongo/client.ts";
import type { DryRun } from "../../lib/pass/dry-run.ts";
import { type Foreseen, foreseeDue, foreseeOverdue } from "../../lib/pass/forecast.ts";
import { openWaha } from "../../lib/waha/client.ts";
import { dashboardWorld } from "../support/dashboard.ts";
import { ago, createWorld, type World } from "../support/world.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;

const SESSIONS = [{ name: "default" }, { name: "second" }, { name: "stopped", status: "STOPPED" }];

const held = new ObjectId();
const running = new ObjectId();

/** Documents as apps write them, each kind four times: 100 in all. */
const KINDS: Record<string, Document> = {
  good: {},
  "a picture": { media: { kind: "image", url: "https://files.example.com/a.jpg" } },
  "of a campaign": { campaignId: running },
  "of a campaign, by its text": { campaignId: running.toHexString() },
  "on another session": { sessionId: "second" },
  "digits alone": { chatId: "491701234567" },
  "asked again": { delivery: { state: "missed", settledAt: ago(HOUR), attempts: 1 } },
  "ten minutes old": { scheduledAt: ago(600) },
  "23 hours old": { scheduledAt: ago(23 * HOUR) },
  "25 hours old": { scheduledAt: ago(25 * HOUR) },
  "old, and says why": {
    scheduledAt: ago(300),
    delivery: {
      state: "released",
      error: { code: "session_not_found", message: "gone (elsewhere)", at: ago(290) },
    },
  },
  "a chat with a plus": { chatId: "+49 170 1234567" },
  "no text": { content: "" },
  "a number for a text": { content: 7 },
  "a file without an address": { media: { kind: "image" } },
  "on hold": { campaignId: held },
  "on hold, and old": { campaignId: held, scheduledAt: ago(HOUR) },
  "of a campaign that is gone": { campaignId: "gone" },
  "the same, with a session": { campaignId: "gone", sessionId: "default" },
  "of an unknown session": { sessionId: "nowhere" },
  "of a session that is stopped": { sessionId: "stopped" },
  "a document for a campaign": { campaignId: { a: 1 }, sessionId: "default" },
  "a list of dates": { scheduledAt: [ago(10)] },
  "picked by another program": { isPicked: true },
  "a flag that is missing": { isPicked: null },
};

async function mixedWorld(): Promise<World> {
  const world = await createWorld({ sessions: SESSIONS });
  await world.campaigns.insertMany([
    { _id: running, sessionId: "second" },
    { _id: held, sessionId: "second", status: "paused" },
  ]);
  const documents = Object.entries(KINDS).flatMap(([kind, fields]) =>
    Array.from({ length: 4 }, () => ({ kind, ...fields })),
  );
  expect(documents).toHaveLength(100);
  await world.insert(...documents);
  return world;
}

/** What was foreseen of each message, by its id. */
async function foresee(world: World): Promise<Map<string, Foreseen>> {
  const config = parseConfig(world.env);
  const db = openDatabase(config);
  await db.connect();
  const waha = openWaha(config);
  const sessions = await waha.listSessions(10_000);
  await waha.close();
  const now = new Date();
  const limits = { now, most: 1_000, maxTimeMS: 10_000 };
  const window = { from: ago(config.LOOKBACK_SECONDS), to: now };
  const due = await foreseeDue(db, config, sessions, { ...limits, window });
  const overdue = await foreseeOverdue(db, config, limits);
  return new Map([...due.messages, ...overdue.messages].map((each) => [String(each._id), each]));
}

/** What a pass made of a message, in the words of a forecast. */
function fateOf(before: Document, after: Document): Pick<Foreseen, "fate" | "session"> & { code?: string } {
  const { state, session, error } = after.delivery ?? {};
  if (JSON.stringify(before) === JSON.stringify(after)) return { fate: "left alone" };
  if (state === "sent") return { fate: "sent", session };
  if (state === "failed" || state === "missed") return { fate: state, code: error.code };
  return { fate: "waits", code: error.code };
}

describe("a hundred documents of mixed kinds", () => {
  test("become what was foreseen, id by id", async () => {
    const world = await mixedWorld();
    const before = await world.messages.find().toArray();
    const foreseen = await foresee(world);
    await world.pass();
    const differences = [];
    for (const message of before) {
      const actual = fateOf(message, await world.find(message._id));
      const { fate, reason, session } = foreseen.get(String(message._id)) ?? { fate: "left alone" };
      const told = { fate, ...(session ? { session } : {}), ...(reason ? { code: reason.code } : {}) };
      if (JSON.stringify(Object.entries(actual).sort()) !== JSON.stringify(Object.entries(told).sort()))
        differences.push({ kind: message.kind, told, actual });
    }
    expect(differences).toEqual([]);
  });

  test("are told by a dry run with counts and five ids each, as the pass then tells them", async () => {
    const world = await mixedWorld();
    const { forecast } = (await (await world.call("?dryRun=true")).json()) as DryRun;
    const summary = await world.pass();
    const total = (fate: string, code?: string) =>
      forecast
        .filter((row) => row.fate === fate && (code === undefined || row.code === code))
        .reduce((sum, { count }) => sum + count, 0);
    expect([total("sent"), total("failed"), total("missed")]).toEqual([
      summary.sent,
      summary.failed,
      summary.missed,
    ]);
    for (const { code, count } of summary.errors) {
      // One is counted of those that are sent all the same.
      if (code === "campaign_not_found") continue;
      expect([code, total("waits", code) + total("failed", code) + total("missed", code)]).toEqual([
        code,
        total("left alone", code) > 0 ? 0 : count,
      ]);
    }
    // A document is no reference, so it leads to no campaign either.
    expect(total("waits", "campaign_not_found")).toBe(8);
    expect(total("left alone", "picked_elsewhere")).toBe(4);
    expect(total("left alone", "never_picked")).toBe(4);
    expect(total("left alone", "flags_missing")).toBe(4);
    const kinds = new Map(
      (await world.messages.find().toArray()).map(({ _id, kind }) => [shownId(_id), kind]),
    );
    for (const { code, count, ids, message, session, fate } of forecast) {
      expect(ids).toHaveLength(Math.min(5, count));
      for (const id of ids) expect(kinds.get(id as string)).toBeDefined();
      if (fate !== "sent") expect([code, message]).toEqual([code, expect.stringMatching(/.{10}/)]);
      else expect(session).toMatch(/^(default|second)$/);
    }
  });
});

test("the dashboard's messages are foreseen by the chats of their groups", async () => {
  const world = await dashboardWorld();
  const session = await world.session();
  const good = await world.message(await world.campaign(session));
  const chatless = await world.message(await world.campaign(session, {}, { groupId: null }));
  const malformed = await world.message(await world.campaign(session, {}, { groupId: "the team" }));
  const cancelled = await world.message(await world.campaign(session, { status: "CANCELLED" }));
  const { forecast } = (await (await world.call("?dryRun=true")).json()) as DryRun;
  const told = forecast.map(({ code, fate, ids }) => [fate, code, ids]);
  // No pass has taken it yet, so it need not be put back.
  expect(forecast.find(({ code }) => code === "invalid_message")?.message).toMatch(/\. Correct it$/);
  expect(told).toHaveLength(4);
  expect(told).toEqual(
    expect.arrayContaining([
      ["sent", null, [good]],
      ["waits", "no_chat", [chatless]],
      ["failed", "invalid_message", [malformed]],
      ["left alone", null, [cancelled]],
    ]),
  );
});

test("what is on hold and never picked is not told as never picked", async () => {
  const world = await createWorld();
  await world.campaigns.insertOne({ _id: held, status: "paused" });
  await world.insert({ campaignId: held, scheduledAt: ago(2 * DAY) });
  const [id] = await world.insert({ scheduledAt: ago(2 * DAY) });
  const { forecast } = (await (await world.call("?dryRun=true")).json()) as DryRun;
  expect(forecast).toMatchObject([{ fate: "left alone", code: "never_picked", count: 1, ids: [String(id)] }]);
});

test("a session that rests is foreseen to, as the pass then says", async () => {
  const world = await createWorld({ sessions: SESSIONS });
  const lease = { passId: "before", takenAt: ago(300), expiresAt: new Date(0) };
  await world.scheduler.insertMany([
    { ...lease, _id: "session:default", suspendedFor: "session_sick", suspendedUntil: ago(-600) },
    { ...lease, _id: "session:second", suspendedFor: "session_sick", suspendedUntil: ago(10) },
  ] as never[]);
  const [resting] = await world.insert({}, { sessionId: "second" });
  const { forecast } = (await (await world.call("?dryRun=true")).json()) as DryRun;
  expect(forecast).toMatchObject([
    { fate: "waits", code: "session_sick", count: 1, ids: [String(resting)] },
    { fate: "sent", session: "second", count: 1 },
  ]);
  expect(await world.pass()).toMatchObject({
    sent: 1,
    waiting: { turn: 0 },
    errors: [{ code: "session_sick" }],
  });
});
