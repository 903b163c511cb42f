import type { Document, ObjectId } from "mongodb";
import { expect, test } from "vitest";
import { backgroundDone } from "../../../lib/async.ts";
import { MAPPINGS } from "../../../lib/documents/mapping.ts";
import { apart, type Joint, joined } from "../../../lib/messages/statements.ts";
import {
  type ClaimedMessage,
  intent,
  released,
  sent,
  type Transition,
  unproven,
} from "../../../lib/messages/transitions.ts";
import { documentKey } from "../../../lib/mongo/ids.ts";
import { proxyBefore, Watcher } from "../../../test/support/database-proxy.ts";
import { ago, createWorld, type World } from "../../../test/support/world.ts";
import type { WahaSimulatorOptions } from "../../waha-simulator/options.ts";
import { collectionOf, type Part, toApp } from "../world/names.ts";
import type { DatabaseRequest, Interceptor, RequestFate } from "./intercept.ts";
import { idsNamedIn, POINTS, pointOf } from "./points.ts";
import { bulkReleasesOf, claimIn, passOf, rescuesOf, sessionsNamedIn, stateWritesOf } from "./writes.ts";

interface Situation {
  simulator?: WahaSimulatorOptions;
  /** What happens at the database while the function runs. */
  interfere?: (world: World) => Partial<Interceptor>;
  /** Sets the world up and runs passes. */
  play(world: World): Promise<void>;
  /** The points that it reaches beyond those of any pass. */
  reaches: string[];
}

/** The points of a pass that finds nothing to do. */
const IDLE = [
  "time",
  "rescue",
  "survey",
  "find-uncertain",
  "find-overdue",
  "audit",
  "find-open-campaigns",
  "record-last-pass",
];

/** A message whose pass died `seconds` after its intent. */
const attempted = (seconds: number, delivery: Document = {}): Document => ({
  scheduledAt: ago(seconds + 5),
  isPicked: true,
  delivery: {
    state: "attempting",
    passId: "dead",
    attempts: 1,
    attemptAt: ago(seconds),
    session: "default",
    chatId: "491701234567@c.us",
    waMessageId: "RAW",
    nextLookupAt: ago(1),
    ...delivery,
  },
});

const addCampaign = async (world: World) =>
  (await world.campaigns.insertOne({ sessionId: "default" })).insertedId;

/** Changes a message just before the database gets the first write that leads to a state. */
function edit(world: World, to: string, $set: Document): Partial<Interceptor> {
  return {
    onRequest: async ({ command }): Promise<RequestFate> => {
      const [write] = stateWritesOf(command);
      if (write?.to === to) await world.messages.updateOne({ "delivery.state": { $ne: "sent" } }, { $set });
      return "forward";
    },
  };
}

/** A message of an app that keeps its chats on groups, with its campaign and all. */
async function writeDashboard({ db }: World): Promise<void> {
  const names = MAPPINGS["whatsapp-waha-dashboard"];
  const flags = { isSent: false, isDeleted: false, isPicked: false };
  const own: [Part, Document][] = [
    ["sessions", { _id: "s", name: "default" }],
    ["groups", { _id: "g", chatId: "120363021234567890@g.us" }],
    ["campaigns", { _id: "c", sessionId: "s", groupId: "g", deleted: false }],
    ["messages", { _id: "m", campaignId: "c", content: "Hi", scheduledAt: ago(5), ...flags }],
  ];
  for (const [part, document] of own)
    await db.collection(collectionOf(part, names) ?? "").insertOne(toApp(part, document, names));
}

const SITUATIONS: Record<string, Situation> = {
  "two messages of a campaign, and one to come": {
    reaches: [
      "find-campaigns",
      "find-sessions",
      "take-leases",
      "read-leases",
      "claim",
      "read-claim",
      "touch-campaigns",
      "intent",
      "intent-and-outcome",
      "outcome",
      "return-leases",
      "count-campaign",
      "postpone-campaigns",
    ],
    play: async (world) => {
      const campaignId = await addCampaign(world);
      await world.insert({ campaignId }, { campaignId }, { campaignId, scheduledAt: ago(-600) });
      expect(await world.pass()).toMatchObject({ sent: 2, campaignsCompleted: 0 });
    },
  },
  "a campaign that is done": {
    reaches: ["count-campaign", "settle-campaigns"],
    play: async (world) => {
      await world.insert({ campaignId: await addCampaign(world) });
      expect(await world.pass()).toMatchObject({ sent: 1, campaignsCompleted: 1 });
    },
  },
  "a campaign with messages to come, and nothing to send": {
    reaches: ["find-unfinished", "postpone-campaigns"],
    play: async (world) => {
      const delivery = { open: true, rev: 1 };
      const { insertedId: campaignId } = await world.campaigns.insertOne({ delivery });
      await world.insert({ campaignId, scheduledAt: ago(-600) });
      expect(await world.pass()).toMatchObject({ ok: true, campaignsCompleted: 0 });
    },
  },
  "a campaign that the app has deleted": {
    reaches: ["find-unfinished", "settle-campaigns"],
    play: async (world) => {
      world.env.DOCUMENTS = '{"campaigns": {"deleted": "isDeleted"}}';
      await world.campaigns.insertOne({ isDeleted: true, delivery: { open: true, rev: 1 } });
      expect(await world.pass()).toMatchObject({ ok: true, campaignsCompleted: 0 });
      expect(await world.campaigns.findOne()).toMatchObject({ delivery: { open: false } });
    },
  },
  "messages that are late, or whose flags were reset": {
    reaches: ["missed", "read-last-pass", "set-back-flags"],
    play: async (world) => {
      await world.insert({ scheduledAt: ago(300) }, { ...attempted(50), isPicked: false });
      expect(await world.pass()).toMatchObject({ missed: 1 });
    },
  },
  "messages whose session is unknown": {
    reaches: ["note-blocked"],
    play: async (world) => {
      await world.insert({ sessionId: "gone-1" }, { sessionId: "gone-2" });
      expect(await world.pass()).toMatchObject({ errors: [{ code: "session_not_found", count: 2 }] });
    },
  },
  "more claimed messages than one answer of the database holds": {
    reaches: ["get-more"],
    // Each is given ten at first.
    simulator: { sessions: Array.from({ length: 12 }, (_, n) => ({ name: `s${n}` })) },
    play: async (world) => {
      await world.insert(...Array.from({ length: 120 }, (_, n) => ({ sessionId: `s${n % 12}` })));
      expect(await world.pass()).toMatchObject({ sent: 120 });
    },
  },
  "attempts of a pass that died": {
    reaches: ["lookup-result", "lookup-again"],
    play: async (world) => {
      const campaignId = await addCampaign(world);
      await world.insert({ ...attempted(700), campaignId }, attempted(200));
      expect(await world.pass()).toMatchObject({ unknown: 1 });
    },
  },
  "a message that is deleted before its intent": {
    reaches: ["read-writes"],
    interfere: (world) => edit(world, "attempting", { isDeleted: true }),
    play: async (world) => {
      await world.insert({});
      expect(await world.pass()).toMatchObject({ sent: 0, released: 1 });
    },
  },
  "an attempt that is given up before its 201 is recorded": {
    reaches: ["late-sent", "forget-settled"],
    interfere: (world) => edit(world, "sent", { "delivery.state": "unknown" }),
    play: async (world) => {
      const [id] = await world.insert({ campaignId: await addCampaign(world) });
      expect(await world.pass()).toMatchObject({ sent: 1 });
      expect(await world.find(id)).toMatchObject({ isSent: true, delivery: { state: "sent" } });
    },
  },
  "a session that is throttled, and later is not": {
    reaches: ["strike-session", "clear-strikes", "release-claims"],
    simulator: { engine: "GOWS" },
    play: async (world) => {
      const action = { type: "gowsRefusal", code: 429 } as const;
      world.waha.addFault({ match: { route: "sendText" }, action, times: 1 });
      await world.insert({}, {});
      expect(await world.pass()).toMatchObject({ sent: 0, released: 2 });
      await world.scheduler.updateMany({}, { $set: { suspendedUntil: ago(1) } });
      expect(await world.pass()).toMatchObject({ sent: 2 });
    },
  },
  "more messages without a session than a look brings along": {
    reaches: ["note-blocked"],
    play: async (world) => {
      await world.insert(...Array.from({ length: 210 }, () => ({ sessionId: "gone" })));
      expect(await world.pass()).toMatchObject({ errors: [{ code: "session_not_found", count: 210 }] });
    },
  },
  "a message that a validation rule turns away": {
    reaches: ["claim", "take-leases"],
    play: async (world) => {
      await world.insert({ content: "odd" }, {});
      await world.db.command({ collMod: "messages", validator: { content: { $ne: "odd" } } });
      expect(await world.pass()).toMatchObject({ sent: 1 });
    },
  },
  "a message to which WAHA gives no answer": {
    reaches: ["leave-leases"],
    play: async (world) => {
      world.env.WAHA_TIMEOUT_MS = "2000";
      world.waha.addFault({ match: { route: "sendText" }, action: { type: "hangBefore" } });
      await world.insert({});
      expect(await world.pass()).toMatchObject({ sent: 0, ok: false });
    },
  },
  "a lease that ends while a message is under way": {
    reaches: ["renew-leases", "read-leases"],
    interfere: (world) => ({
      onRequest: async ({ point }): Promise<RequestFate> => {
        if (point === "renew-leases")
          await world.scheduler.updateMany({ expiresAt: { $gt: ago(0) } }, { $set: { expiresAt: ago(1) } });
        return "forward";
      },
    }),
    play: async (world) => {
      Object.assign(world.env, { PASS_SECONDS: "12", TAIL_SECONDS: "2" });
      world.waha.addFault({ match: { route: "sendText" }, action: { type: "delay", ms: 1500 } });
      await world.insert({});
      expect(await world.pass()).toMatchObject({ sent: 1 });
    },
  },
  "a message that WAHA takes long to accept": {
    reaches: ["renew-leases"],
    play: async (world) => {
      Object.assign(world.env, { PASS_SECONDS: "12", TAIL_SECONDS: "2" });
      world.waha.addFault({ match: { route: "sendText" }, action: { type: "delay", ms: 1500 } });
      await world.insert({});
      expect(await world.pass()).toMatchObject({ sent: 1 });
    },
  },
  "a pass that stays": {
    reaches: ["find-next-due", "claim", "return-leases"],
    play: async (world) => {
      world.env.STAY_SECONDS = "2";
      await world.insert({});
      expect(await world.pass()).toMatchObject({ sent: 1 });
    },
  },
  "a WAHA that is away": {
    reaches: ["note-blocked", "find-campaigns"],
    play: async (world) => {
      await world.insert({ campaignId: await addCampaign(world) });
      await world.waha.pause();
      expect((await world.call()).status).toBe(503);
    },
  },
  "a first pass": {
    reaches: ["list-indexes", "create-indexes", "read-alerts", "change-alerts"],
    play: async (world) => {
      await world.insert({ campaignId: await addCampaign(world) });
      await world.pass();
      await backgroundDone();
      await expect.poll(async () => (await world.messages.indexes()).length).toBeGreaterThan(1);
    },
  },
  "an index that has other keys": {
    reaches: ["list-indexes", "drop-index", "create-indexes"],
    play: async (world) => {
      await world.insert({});
      await world.messages.createIndex({ odd: 1 }, { name: "scheduler_due" });
      await world.pass();
      await backgroundDone();
    },
  },
  "messages by whatsapp-waha-dashboard's names, whose chat is a group's": {
    reaches: ["find-groups", "find-campaigns", "find-sessions", "count-campaign", "settle-campaigns"],
    play: async (world) => {
      world.env.DOCUMENTS = "whatsapp-waha-dashboard";
      await writeDashboard(world);
      expect(await world.pass()).toMatchObject({ sent: 1, campaignsCompleted: 1 });
    },
  },
  "messages where the mapping does not say": {
    reaches: ["find-any-message", "list-collections", "sample-collections", "find-elsewhere"],
    play: async (world) => {
      await writeDashboard(world);
      expect(await world.pass()).toMatchObject({ errors: [{ code: "documents_not_found" }] });
    },
  },
  "a first pass that may not create indexes": {
    reaches: ["create-indexes", "create-index", "list-indexes"],
    interfere: () => ({
      onRequest: ({ point }) =>
        point.startsWith("create-index")
          ? { reply: { ok: 0, code: 13, errmsg: "not authorized" } }
          : "forward",
    }),
    play: async (world) => {
      await world.insert({});
      await world.pass();
      await expect.poll(async () => (await world.pass()).errors).toMatchObject([{ code: "indexes_missing" }]);
    },
  },
};

test.each(Object.entries(SITUATIONS))("%s: its points have their names", async (_name, situation) => {
  const world = await createWorld(situation.simulator);
  const watcher = new Watcher(situation.interfere?.(world));
  const proxy = await proxyBefore(world.database.url, watcher);
  world.env.DATABASE_URL = proxy.url(world.db.databaseName, "pass");
  await situation.play(world);
  expect(watcher.points).toEqual(expect.arrayContaining([...IDLE, ...situation.reaches]));
  expect(watcher.requests.filter(({ point }) => point === "other")).toEqual([]);
  expect(new Set(watcher.requests.map(({ client }) => client))).toEqual(new Set(["pass"]));
});

test("every point is reached by one of the situations", () => {
  const reached = new Set([...IDLE, ...Object.values(SITUATIONS).flatMap(({ reaches }) => reaches)]);
  expect([...reached].sort()).toEqual([...POINTS].sort());
});

test("a command that the function does not send is none of the points", () => {
  const update = { update: "messages", updates: [{ q: {}, u: { $set: { content: "" } } }], $db: "app" };
  for (const command of [
    { insert: "messages" },
    { find: "messages", filter: { content: "" } },
    update,
    { find: "users" },
  ])
    expect(pointOf(command)).toBe("other");
});

/** Writes whose guard was broken on purpose: they are known by what they do. */
const UNGUARDED: [point: string, statement: Document][] = [
  ["intent", { q: { _id: "a" }, u: { $set: { "delivery.state": "attempting" } } }],
  ["outcome", { q: { _id: "a" }, u: { $set: { "delivery.state": "sent" } } }],
  ["forget-settled", { q: { _id: "a" }, u: { $unset: { "delivery.nextLookupAt": "" } } }],
  ["claim", { q: {}, u: [{ $set: { delivery: { $mergeObjects: [{ $literal: { state: "claimed" } }] } } }] }],
  ["rescue", { q: {}, u: { $set: givenBack("pass_died") }, multi: true }],
  ["release-claims", { q: {}, u: { $set: givenBack("out_of_time") }, multi: true }],
  ["release-claims", { q: { _id: { $in: ["a"] } }, u: { $set: givenBack("claim_ran_out") }, multi: true }],
];

function givenBack(code: string): Document {
  return { "delivery.state": "released", "delivery.error": { code, message: code, at: ago(0) } };
}

test.each(UNGUARDED)("a write at %s keeps its name without its guard", (point, statement) => {
  expect(pointOf({ update: "messages", updates: [statement] })).toBe(point);
});

const lease = (set: Document) => ({
  update: "scheduler",
  updates: ["a", "b:c"].map((name) => ({ q: { _id: `session:${name}` }, u: { $set: set } })),
});

test("a lease is taken by its pass, renewed by an expiry to come, and given back by one that is past", () => {
  expect(pointOf(lease({ passId: "p", expiresAt: ago(-20) }))).toBe("take-leases");
  expect(pointOf(lease({ expiresAt: ago(-20), lastSentAt: ago(1) }))).toBe("renew-leases");
  expect(pointOf(lease({ expiresAt: new Date(0) }))).toBe("return-leases");
  expect(pointOf(lease({ lastSentAt: ago(1) }))).toBe("leave-leases");
  expect(sessionsNamedIn(lease({ expiresAt: ago(-20) }))).toEqual(["a", "b:c"]);
});

test("the time that a write sets is told: of a settlement, or else of its reason", () => {
  const [settled, noted] = [ago(3), { code: "out_of_time", message: "in words", at: ago(2) }];
  const rest = (set: Document) => ({
    update: "messages",
    updates: [{ q: {}, u: { $set: set }, multi: true }],
  });
  const released = { "delivery.state": "released", "delivery.error": noted };
  expect(bulkReleasesOf(rest({ ...released, "delivery.settledAt": settled }))).toEqual([settled]);
  expect(bulkReleasesOf(rest(released))).toEqual([noted.at]);
  expect(bulkReleasesOf(rest(givenBack("pass_died")))).toEqual([]);
  expect(rescuesOf(rest({ "delivery.error": { ...noted, code: "pass_died" } }))).toEqual([noted.at]);
  expect(rescuesOf(rest(released))).toEqual([]);
});

test("the time is asked for once a pass; what the driver asks of its own accord is no point", async () => {
  const world = await createWorld();
  const watcher = new Watcher();
  const proxy = await proxyBefore(world.database.url, watcher);
  world.env.DATABASE_URL = proxy.url(world.db.databaseName, "pass");
  await world.pass();
  expect(watcher.points.filter((point) => point === "time")).toHaveLength(1);
  const unanswered = () => watcher.requests.filter((request) => !watcher.replied.includes(request));
  await expect.poll(unanswered).toEqual([]);
});

/** What a pass that sends two messages asks of the database. */
async function recordedPass(): Promise<{ requests: DatabaseRequest[]; passId: string; ids: ObjectId[] }> {
  const world = await createWorld();
  const watcher = new Watcher();
  const proxy = await proxyBefore(world.database.url, watcher);
  world.env.DATABASE_URL = proxy.url(world.db.databaseName, "pass");
  const ids = await world.insert({ scheduledAt: ago(20) }, {});
  const { passId } = await world.pass();
  return { requests: watcher.requests, passId, ids };
}

test("a claim tells its pass, its time and its messages, and the taking of a lease its pass", async () => {
  const { requests, passId, ids } = await recordedPass();
  const claims = requests.flatMap(({ command }) => claimIn(command) ?? []);
  expect(claims).toEqual([{ passId, claimedAt: expect.any(Date), messages: ids.map(documentKey) }]);
  const told = requests.filter(({ command }) => passOf(command) !== undefined);
  expect(told.map(({ point, command }) => [point, passOf(command)])).toEqual([
    ["take-leases", passId],
    ["claim", passId],
  ]);
});

test("who writes which state of a message is told, in the order of a bulk", async () => {
  const { requests, ids } = await recordedPass();
  const [first, second] = ids.map(documentKey);
  const told = requests.map(({ command }) => stateWritesOf(command)).filter(({ length }) => length > 0);
  expect(told.flat().map(({ message, to }) => [message, to])).toEqual([
    [first, "attempting"],
    [first, "sent"],
    [second, "attempting"],
    [second, "sent"],
  ]);
  expect(told).toContainEqual([
    { message: first, to: "sent", isLookupResult: false, stamp: expect.any(Date), index: 0 },
    { message: second, to: "attempting", isLookupResult: false, stamp: undefined, index: 1 },
  ]);
});

/** Statements, and the state writes that they are. */
const STATEMENTS: [name: string, statement: Document, told: object[]][] = [
  [
    "without a guard",
    { q: { _id: "a" }, u: { $set: { "delivery.state": "sent" } } },
    [{ to: "sent", isLookupResult: false, index: 0 }],
  ],
  [
    "about an attempt that was looked up",
    { q: { _id: "a", "delivery.attemptAt": ago(200) }, u: { $set: { "delivery.state": "sent" } } },
    [{ to: "sent", isLookupResult: true, index: 0 }],
  ],
  ["of several", { q: { _id: { $in: ["a"] } }, u: { $set: { "delivery.state": "sent" } } }, []],
  ["of another field", { q: { _id: "a" }, u: { $set: { "delivery.error": {} } } }, []],
];

test.each(STATEMENTS)("the state write of a statement %s", (_name, statement, told) => {
  const writes = stateWritesOf({ update: "messages", updates: [statement] });
  expect(writes).toEqual(told.map((write) => ({ message: documentKey("a"), ...write })));
  expect(stateWritesOf({ update: "campaigns", updates: [statement] })).toEqual([]);
});

/** Three writes of a kind, as they are sent by themselves and joined. */
const JOINED: [point: string, states: number, write: (message: ClaimedMessage) => Transition][] = [
  ["intent", 3, (message) => intent(NAMES, message, { ...ATTEMPT, chatId: String(message.chatId) })],
  ["outcome", 3, (message) => sent(NAMES, message, ago(0), "x")],
  ["outcome", 3, (message) => released(message, ago(0), { code: "session_not_working" })],
  ["outcome", 0, (message) => unproven(message, ago(0), { code: "waha_timeout" })],
  ["late-sent", 3, (message) => sent(NAMES, message, ago(0), "x", "unknown")],
];

test.each(JOINED)(
  "joined writes are told as those by themselves are: %s, %i states",
  (point, states, write) => {
    const messages = ["a", "b", "c"].map((_id): ClaimedMessage => {
      const claim = { passId: "p", claimedAt: ago(2), claimExpiresAt: ago(-8) };
      const delivery = { state: "claimed" as const, attempts: 0, ...claim };
      const flags = { isSent: false, isDeleted: false, isPicked: true };
      return { _id, chatId: `${_id}@c.us`, content: "text", scheduledAt: ago(9), ...flags, delivery };
    });
    const writes = messages.map(write);
    const commandOf = (joints: Joint[]) => ({
      update: "messages",
      updates: joints.map(({ statement: { filter: q, update: u } }) => ({ q, u, multi: true })),
    });
    const [together, single] = [commandOf(joined(writes)), commandOf(apart(writes))];
    expect([together.updates.length, single.updates.length]).toEqual([1, 3]);
    expect([pointOf(together), pointOf(single)]).toEqual([point, point]);
    const told = stateWritesOf(single);
    expect(told).toHaveLength(states);
    expect(stateWritesOf(together)).toEqual(told.map((each) => ({ ...each, index: 0 })));
  },
);

const NAMES = MAPPINGS.plain.messages;
const ATTEMPT = {
  session: "default",
  waMessageId: "x",
  at: ago(0),
  reconcileAfterSeconds: 120,
  receiptsUntil: undefined,
};

test("a command names the documents of all its statements, and those of lists", () => {
  const settlement = (_id: string) => ({ q: { _id, "delivery.open": true }, u: { $set: {} } });
  expect(idsNamedIn({ update: "campaigns", updates: [settlement("a"), settlement("b")] })).toEqual([
    "a",
    "b",
  ]);
  const claim = { q: { _id: { $in: ["m", "n"] } }, u: [{ $set: {} }], multi: true };
  expect(idsNamedIn({ update: "messages", updates: [claim] })).toEqual(["m", "n"]);
  const count = [{ $match: { campaignId: { $in: ["c"] } } }];
  expect(idsNamedIn({ aggregate: "messages", pipeline: count })).toEqual(["c"]);
  expect(idsNamedIn({ find: "messages", filter: { _id: { $nin: ["x"] } } })).toEqual([]);
});
