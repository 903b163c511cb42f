import { ObjectId } from "mongodb";
import { describe, expect, test } from "vitest";
import type { WahaSimulatorOptions } from "../../dev/waha-simulator/options.ts";
import { backgroundDone } from "../../lib/async.ts";
import { CAMPAIGN_INDEXES } from "../../lib/campaigns.ts";
import { systemClock } from "../../lib/clock.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { messageIndexes } from "../../lib/messages/indexes.ts";
import { ago, createWorld, message, type World } from "../../test/support/world.ts";
import vercelFile from "../../vercel.json" with { type: "json" };
import { readVercel, type Vercel } from "./checks/vercel.ts";
import { examine } from "./examine.ts";
import type { Finding } from "./finding.ts";

const VERCEL: Vercel = vercelFile;

/** vercel.json with a schedule in place of its cron; `fields` say how it is another than it should be. */
function withSchedule(fields: object = {}): Vercel {
  const pass = { schedule: "* * * * *", path: "/api/cron", requestMethod: "GET", ...fields };
  return { ...VERCEL, crons: [], schedules: { pass } };
}

/** A set-up in which nothing is wrong: indexes, a pass just ended, a campaign on a session document. */
async function soundWorld(simulator: WahaSimulatorOptions = {}): Promise<World> {
  const world = await createWorld(simulator);
  await world.messages.createIndexes(messageIndexes(MAPPINGS.plain.messages));
  await world.campaigns.createIndexes(CAMPAIGN_INDEXES);
  const session = await world.sessions.insertOne({ name: "default" });
  const campaign = await world.campaigns.insertOne({ sessionId: session.insertedId.toString() });
  await world.insert({}, { campaignId: campaign.insertedId }, { scheduledAt: ago(-3600) });
  expect((await world.pass()).ok).toBe(true);
  await backgroundDone();
  world.env.HEARTBEAT_URL = "http://receiver.invalid/beat";
  return world;
}

/** What is not ok. */
async function complaints(world: World, vercel = VERCEL): Promise<Finding[]> {
  return (await examine(world.env, vercel)).filter(({ level }) => level !== "ok");
}

test("nothing is wrong with a sound set-up, and every check says so", async () => {
  const world = await soundWorld();
  const findings = await examine(world.env, VERCEL);
  expect(findings.filter(({ level }) => level !== "ok")).toEqual([]);
  const checks = [
    "settings",
    "vercel.json",
    "database",
    "indexes",
    "documents",
    "sessions",
    "next pass",
    "pacing",
  ];
  expect(new Set(findings.map(({ check }) => check))).toEqual(new Set([...checks, "passes", "waha"]));
  expect(findings.map(({ message }) => message).join("\n")).toMatch(/looked up: default/);
});

test("a look changes nothing and sends nothing", async () => {
  const world = await soundWorld();
  const all = () =>
    Promise.all([world.messages, world.campaigns, world.scheduler].map((each) => each.find().toArray()));
  const before = await all();
  await examine(world.env, VERCEL);
  expect(await all()).toEqual(before);
  expect(world.waha.requestCount({ route: "sendText" })).toBe(2);
});

/** One way to break a sound set-up, and what is then said of it. */
interface Breakage {
  name: string;
  simulator?: WahaSimulatorOptions;
  vercel?: Vercel;
  by?(world: World): unknown;
  found: { level: "warning" | "problem"; check: string; message: RegExp; remedy: RegExp };
}

/** Due soon, so that no pass has to do with it. */
const unsent = { scheduledAt: ago(-600) };

const BREAKAGES: Breakage[] = [
  {
    name: "a secret that is not set",
    by: ({ env }) => delete env.CRON_SECRET,
    found: {
      level: "problem",
      check: "settings",
      message: /^CRON_SECRET is not set$/,
      remedy: /CRON_SECRET/,
    },
  },
  {
    name: "a setting that is no number",
    by: ({ env }) => Object.assign(env, { LOOKBACK_SECONDS: "two minutes" }),
    found: {
      level: "problem",
      check: "settings",
      message: /^LOOKBACK_SECONDS must be/,
      remedy: /docs\/configuration\.md/,
    },
  },
  {
    name: "a server of one's own that ticks too seldom",
    by: ({ env }) => Object.assign(env, { TICK_SECONDS: "120" }),
    found: {
      level: "problem",
      check: "settings",
      message: /^TICK_SECONDS must be less than LOOKBACK/,
      remedy: /docs\/configuration\.md/,
    },
  },
  {
    name: "a server of one's own that its health check would take for stopped",
    by: ({ env }) => Object.assign(env, { TICK_SECONDS: "121", LOOKBACK_SECONDS: "600" }),
    found: {
      level: "problem",
      check: "settings",
      message: /^TICK_SECONDS must not exceed 120/,
      remedy: /docs\/configuration\.md/,
    },
  },
  {
    name: "a name that is near a setting, and is none",
    by: ({ env }) => Object.assign(env, { LOOKBACK: "600" }),
    found: {
      level: "warning",
      check: "settings",
      message: /^LOOKBACK is no setting; LOOKBACK_SECONDS\?$/,
      remedy: /nothing reads it/,
    },
  },
  {
    name: "a secret of one character",
    by: ({ env }) => Object.assign(env, { STATUS_SECRET: "x".repeat(16) }),
    found: {
      level: "problem",
      check: "settings",
      message: /^STATUS_SECRET is easily guessed/,
      remedy: /openssl/,
    },
  },
  {
    name: "certificates of the database that are not checked",
    by: ({ env }) => Object.assign(env, { DATABASE_URL: `${env.DATABASE_URL}&tlsInsecure=true` }),
    found: { level: "problem", check: "settings", message: /tlsInsecure=true/, remedy: /tlsCAFile/ },
  },
  {
    name: "certificates that are not checked at all",
    by: ({ env }) => Object.assign(env, { NODE_TLS_REJECT_UNAUTHORIZED: "0" }),
    found: { level: "problem", check: "settings", message: /REJECT_UNAUTHORIZED=0/, remedy: /EXTRA_CA/ },
  },
  {
    name: "a WAHA that takes whoever comes, though a key is set",
    by: ({ waha }) => waha.setApiKey(undefined),
    found: { level: "warning", check: "waha", message: /asks for no key/, remedy: /in WAHA, too/ },
  },
  {
    name: "a time limit under WAHA's own",
    by: ({ env }) => Object.assign(env, { WAHA_TIMEOUT_MS: "3000" }),
    found: {
      level: "warning",
      check: "settings",
      message: /WAHA_TIMEOUT_MS/,
      remedy: /docs\/configuration\.md/,
    },
  },
  {
    name: "no alert when something is wrong",
    by: ({ env }) => delete env.HEARTBEAT_URL,
    found: {
      level: "warning",
      check: "settings",
      message: /neither ALERT_WEBHOOK_URL nor HEARTBEAT_URL is set, so no alert is sent/,
      remedy: /docs\/monitoring\.md#alerts/,
    },
  },
  {
    name: "a cron that calls once an hour",
    vercel: { ...VERCEL, crons: [{ path: "/api/cron", schedule: "0 * * * *" }] },
    found: { level: "problem", check: "vercel.json", message: /not every minute/, remedy: /\* \* \* \* \*/ },
  },
  {
    name: "no cron",
    vercel: { ...VERCEL, crons: [] },
    found: {
      level: "warning",
      check: "vercel.json",
      message: /no cron and no schedule calls/,
      remedy: /crons/,
    },
  },
  {
    name: "a schedule that calls with POST",
    vercel: withSchedule({ requestMethod: undefined }),
    found: {
      level: "problem",
      check: "vercel.json",
      message: /calls \/api\/cron with POST/,
      remedy: /requestMethod/,
    },
  },
  {
    name: "a schedule that calls every five minutes",
    vercel: withSchedule({ schedule: "*/5 * * * *" }),
    found: {
      level: "problem",
      check: "vercel.json",
      message: /its schedule calls by "\*\/5/,
      remedy: /\* \* \* \* \*/,
    },
  },
  {
    name: "a schedule whose jitter is longer than the window allows",
    vercel: withSchedule({ jitter: 1 }),
    found: {
      level: "problem",
      check: "vercel.json",
      message: /up to 1 min/,
      remedy: /LOOKBACK_SECONDS to 180/,
    },
  },
  {
    name: "a platform that kills passes early",
    vercel: { ...VERCEL, functions: { "api/cron.ts": { maxDuration: 30 } } },
    found: { level: "problem", check: "vercel.json", message: /maxDuration is 30 s/, remedy: /Raise/ },
  },
  {
    name: "a database user who may only read",
    by: (world) => refuse(world, "insert", 13),
    found: {
      level: "problem",
      check: "database",
      message: /\[database_refused: Unauthorized\]/,
      remedy: /readWrite/,
    },
  },
  {
    name: "an index that is missing",
    by: ({ messages }) => messages.dropIndex("scheduler_due"),
    found: {
      level: "warning",
      check: "indexes",
      message: /scheduler_due \[indexes_missing/,
      remedy: /docs\/indexes\.md/,
    },
  },
  {
    name: "an index without its partial filter",
    by: async ({ messages }) => {
      await messages.dropIndex("scheduler_claimed");
      await messages.createIndex({ "delivery.claimExpiresAt": 1 }, { name: "scheduler_claimed" });
    },
    found: {
      level: "warning",
      check: "indexes",
      message: /other keys.*scheduler_claimed/,
      remedy: /replace them.*Drop/,
    },
  },
  {
    name: "an index that the planner may not use",
    by: ({ db }) => db.command({ collMod: "messages", index: { name: "scheduler_due", hidden: true } }),
    found: { level: "warning", check: "indexes", message: /does not use scheduler_due/, remedy: /hidden/ },
  },
  {
    name: "messages that lack a flag",
    by: (world) => world.insert({ ...unsent, isPicked: null }),
    found: {
      level: "problem",
      check: "documents",
      message: /flags_missing: 1 message/,
      remedy: /Set all three/,
    },
  },
  {
    name: 'flags that say "false" or 0',
    by: (world) =>
      world.insert(
        { ...unsent, isSent: "false" },
        { ...unsent, isDeleted: 0 },
        { ...unsent, isPicked: "false", campaignId: new ObjectId() },
      ),
    found: {
      level: "problem",
      check: "documents",
      message: /as a boolean.*: 3 messages/,
      remedy: /false or true/,
    },
  },
  {
    name: "dates that are texts",
    by: (world) => world.insert({ scheduledAt: new Date().toISOString() }),
    found: { level: "problem", check: "documents", message: /date_wrong: 1 message/, remedy: /Write a Date/ },
  },
  {
    name: "a state that is none of the scheduler's",
    by: (world) => world.insert({ ...unsent, delivery: { state: "queued" } }),
    found: {
      level: "problem",
      check: "documents",
      message: /delivery.state.*: 1 message/,
      remedy: /delivery/,
    },
  },
  {
    name: "messages that another scheduler picked",
    by: (world) => world.insert({ ...unsent, isPicked: true }),
    found: { level: "warning", check: "documents", message: /picked_elsewhere: 1/, remedy: /Stop any other/ },
  },
  {
    name: "an orphaned campaign",
    by: (world) => world.insert({ ...unsent, campaignId: "gone-campaign" }),
    found: {
      level: "problem",
      check: "documents",
      message: /campaign_not_found.*gone-campaign/,
      remedy: /Restore/,
    },
  },
  {
    name: "an orphaned campaign whose message knows its session",
    by: (world) => world.insert({ ...unsent, campaignId: "gone-campaign", sessionId: "default" }),
    found: {
      level: "warning",
      check: "documents",
      message: /campaign_not_found.*gone-campaign/,
      remedy: /Restore/,
    },
  },
  {
    name: "a chat with a plus and spaces",
    by: (world) => world.insert({ ...unsent, chatId: "+49 170 1234567" }),
    found: {
      level: "problem",
      check: "documents",
      message: /\[invalid_message: 1 message due within a day: [0-9a-f]{24}\]: chatId is not a WhatsApp chat/,
      remedy: /Correct it/,
    },
  },
  {
    name: "messages without a text",
    by: (world) => world.insert({ ...unsent, content: undefined }, { ...unsent, content: " " }),
    found: {
      level: "problem",
      check: "documents",
      message: /\[invalid_message: 2 messages .*\]: content is missing or not a string; content is empty$/,
      remedy: /Correct it/,
    },
  },
  {
    name: "messages that the next pass would end as missed",
    by: (world) => world.insert({}, ...Array.from({ length: 30 }, () => ({ scheduledAt: ago(3600) }))),
    found: {
      level: "warning",
      check: "next pass",
      message:
        /^would end as missed, and not send: 30 messages \((?:[0-9a-f]{24}, ){5}…\) \[too_old_at_first_pass\]$/,
      remedy: /isDeleted/,
    },
  },
  {
    name: "a message on a session that WAHA does not know",
    by: (world) => world.insert({ ...unsent, sessionId: "deafult" }),
    found: {
      level: "problem",
      check: "sessions",
      message: /session_not_found: "deafult" is neither .*, which has default; 1 message/,
      remedy: /name/,
    },
  },
  {
    name: "a session document that WAHA does not know",
    by: ({ sessions }) => sessions.insertOne({ name: "old-phone" }),
    found: { level: "warning", check: "sessions", message: /"old-phone"/, remedy: /letter by letter/ },
  },
  {
    name: "a session that must be scanned",
    by: ({ waha }) => waha.addSession({ name: "spare", status: "SCAN_QR_CODE" }),
    found: { level: "warning", check: "waha", message: /1 session SCAN_QR_CODE: spare/, remedy: /Scan/ },
  },
  {
    name: "a session's status that is a word of JavaScript's",
    by: ({ waha }) => waha.addSession({ name: "odd", status: "constructor" as "STOPPED" }),
    found: { level: "warning", check: "waha", message: /1 session constructor: odd/, remedy: /dashboard/ },
  },
  {
    name: "a wrong key",
    by: ({ env }) => Object.assign(env, { WAHA_API_KEY: "another-key" }),
    found: { level: "problem", check: "waha", message: /waha_key_refused/, remedy: /WAHA_API_KEY/ },
  },
  {
    name: "a redirect",
    by: ({ waha }) =>
      waha.addFault({
        match: { route: "sessions" },
        action: { type: "status", status: 301, headers: { location: "https://waha.example.com/api" } },
      }),
    found: {
      level: "problem",
      check: "waha",
      message: /waha_redirect.*waha\.example\.com/,
      remedy: /Set the/,
    },
  },
  {
    name: "something that is not WAHA",
    by: ({ waha }) =>
      waha.addFault({ match: {}, action: { type: "status", status: 200, body: "<html>welcome</html>" } }),
    found: { level: "problem", check: "waha", message: /waha_bad_answer/, remedy: /WAHA_API_URL/ },
  },
  {
    name: "WAHA that is down",
    by: ({ waha }) => waha.pause(),
    found: { level: "problem", check: "waha", message: /waha_unreachable/, remedy: /WAHA_API_URL/ },
  },
  {
    name: "NOWEB without its store",
    simulator: { sessions: [{ name: "default", store: false }] },
    found: {
      level: "warning",
      check: "waha",
      message: /as unknown.*default/,
      remedy: /noweb\.store\.enabled/,
    },
  },
  {
    name: "an engine without message ids",
    simulator: { engine: "WEBJS" },
    found: { level: "warning", check: "waha", message: /no message ids: default/, remedy: /NOWEB or GOWS/ },
  },
  {
    name: "a WAHA that does not tell its version",
    simulator: { legacyVersionPath: true },
    found: {
      level: "warning",
      check: "waha",
      message: /waha_version_unknown/,
      remedy: /errors\.md#waha_version_unknown/,
    },
  },
  {
    name: "passes that stopped",
    by: ({ scheduler }) =>
      scheduler.updateOne({ _id: "last-pass" as never }, { $set: { endedAt: ago(900) } }),
    found: { level: "problem", check: "passes", message: /15 minutes ago/, remedy: /cron/ },
  },
  {
    name: "a queue that its pauses make too long for the window",
    by: (world) => {
      world.env.SEND_GAP_MS = "8000";
      return world.insert(...Array.from({ length: 40 }, () => unsent));
    },
    found: {
      level: "problem",
      check: "pacing",
      message: /default: of 41 messages about 27 /,
      remedy: /LOOKBACK/,
    },
  },
];

async function refuse({ db }: World, command: string, errorCode: number): Promise<void> {
  await db.admin().command({
    configureFailPoint: "failCommand",
    mode: { times: 1 },
    data: { failCommands: [command], errorCode, appName: db.databaseName },
  });
}

test.each(BREAKAGES)("names $name", async ({ simulator, vercel, by, found }) => {
  const world = await soundWorld(simulator);
  await by?.(world);
  const all = await complaints(world, vercel);
  const { level, check } = found;
  expect(all).toContainEqual({
    level,
    check,
    message: expect.stringMatching(found.message),
    remedy: expect.stringMatching(found.remedy),
  });
});

describe("what can't be looked at", () => {
  test("is said in a line each when the database is away, and WAHA is looked at all the same", async () => {
    const world = await soundWorld();
    world.env.DATABASE_URL = "mongodb://127.0.0.1:1/app?serverSelectionTimeoutMS=100";
    const findings = await examine(world.env, VERCEL);
    expect(findings).toContainEqual(
      expect.objectContaining({ level: "problem", message: expect.stringMatching(/database_unreachable/) }),
    );
    const skipped = findings.filter(({ message }) => message.startsWith("not checked"));
    expect(skipped.map(({ check }) => check)).toEqual([
      "indexes",
      "documents",
      "sessions",
      "passes",
      "pacing",
    ]);
    expect(findings).toContainEqual(expect.objectContaining({ level: "ok", check: "waha" }));
  });

  test("is the sessions' part when WAHA is away", async () => {
    const world = await soundWorld();
    await world.waha.pause();
    await world.insert({ ...unsent, campaignId: "gone" });
    const all = await complaints(world);
    expect(all.map(({ check }) => check)).toEqual(["documents", "sessions", "pacing", "waha"]);
    expect(all.filter(({ message }) => message.startsWith("not checked"))).toHaveLength(2);
  });

  test("is nothing that does not need a wrong setting", async () => {
    const world = await soundWorld();
    world.env.CRON_SECRET = "short";
    const all = await complaints(world);
    expect(all).toHaveLength(1);
    Object.assign(world.env, { DATABASE_URL: "postgres://x", WAHA_API_URL: "waha" });
    const checks = (await complaints(world)).map(({ check, message }) => `${check}: ${message}`);
    expect(checks).toContainEqual(expect.stringMatching(/^settings: DATABASE_URL is not a mongodb/));
    expect(checks).toContainEqual(expect.stringMatching(/^database: not checked/));
    expect(checks).toContainEqual(expect.stringMatching(/^waha: not checked/));
  });

  test("ends in a line, too, when settings contradict each other", async () => {
    const world = await soundWorld();
    Object.assign(world.env, { PASS_SECONDS: "5", TAIL_SECONDS: "20" });
    const all = await complaints(world);
    expect(all.map(({ message }) => message)).toEqual([
      "TAIL_SECONDS must be less than PASS_SECONDS",
      expect.stringMatching(/^not checked/),
    ]);
  });
});

test("before the first pass it is said what that would do, and what it would not", async () => {
  const world = await createWorld();
  await world.campaigns.insertOne({ _id: "held" as never, status: "paused" });
  await world.insert(
    ...Array.from({ length: 30 }, () => ({ scheduledAt: ago(3600) })),
    ...Array.from({ length: 3 }, () => ({})),
    { campaignId: "held" },
    { scheduledAt: ago(90_000) },
  );
  const told = (await examine(world.env, VERCEL)).map(
    ({ check, level, message }) => `${level} ${check}: ${message}`,
  );
  expect(told).toContainEqual(expect.stringMatching(/^ok next pass: would send on default: 3 messages \(/));
  expect(told).toContainEqual(
    expect.stringMatching(/^warning next pass: would end as missed.*30 messages.*\[too_old_at_first_pass\]$/),
  );
  expect(told).toContainEqual(expect.stringMatching(/^ok next pass: would leave alone, .*: 1 message \(/));
  expect(told).toContainEqual(
    expect.stringMatching(/^warning documents: .*\[never_picked: 1 message: [0-9a-f]{24}\]$/),
  );
  expect(told).toContainEqual("ok pacing: 3 messages due within a day can go out while their windows last");
  const summary = await world.pass();
  expect(summary).toMatchObject({ sent: 3, missed: 30, failed: 0 });
});

test("a database in which nothing is due yet is told as that", async () => {
  const findings = await examine((await createWorld()).env, VERCEL);
  expect(findings).toContainEqual({
    level: "ok",
    check: "pacing",
    message: "no message is due within a day",
  });
  expect(findings.find(({ check }) => check === "passes")?.remedy).toContain("npm start");
});

test("no search reads more than a little of the messages, however many there are", async () => {
  const world = await soundWorld();
  const sent = { isSent: true, isPicked: true, delivery: { state: "sent" } };
  const documents = Array.from({ length: 2000 }, (_, n) =>
    message(n % 2 ? { ...sent, campaignId: `c${n % 5}` } : sent),
  );
  await world.messages.insertMany(documents);
  await world.db.command({ profile: 2, slowms: 0 });
  expect(await complaints(world)).toEqual([]);
  await world.db.command({ profile: 0 });
  const looks = await world.db
    .collection("system.profile")
    .find({ ns: world.messages.namespace, keysExamined: { $exists: true } })
    .toArray();
  expect(looks.length).toBeGreaterThanOrEqual(4);
  for (const { command, keysExamined, docsExamined } of looks) {
    expect(keysExamined, JSON.stringify(command)).toBeLessThan(100);
    expect(docsExamined, JSON.stringify(command)).toBeLessThan(10);
    expect(command.maxTimeMS, JSON.stringify(command)).toBe(10_000);
  }
});

test("a slow search is given up, and said to be", async () => {
  const world = await soundWorld();
  await refuse(world, "aggregate", 50);
  expect(await complaints(world)).toContainEqual(
    expect.objectContaining({ level: "warning", message: expect.stringMatching(/took longer than 10 s/) }),
  );
});

test("clocks that differ are told, with by how much", async () => {
  const world = await soundWorld();
  const fast = { ...systemClock, system: () => Date.now() + 90_000 };
  expect(await examine(world.env, VERCEL, fast)).toContainEqual(
    expect.objectContaining({
      level: "warning",
      message: expect.stringMatching(/clock_skew.*(89|90)\.\d s ahead/),
    }),
  );
});

test("a schedule in place of the cron is as good, and a jitter is where the window is long enough", async () => {
  const world = await soundWorld();
  expect(await complaints(world, withSchedule())).toEqual([]);
  world.env.LOOKBACK_SECONDS = "180";
  expect(await complaints(world, withSchedule({ jitter: 1 }))).toEqual([]);
});

test("vercel.json must be JSON and say maxDuration", () => {
  expect(readVercel("{")).toBeUndefined();
  expect(readVercel('{"functions": {"api/cron.ts": {}}}')).toBeUndefined();
  expect(readVercel(JSON.stringify(vercelFile))).toMatchObject({
    functions: { "api/cron.ts": VERCEL.functions["api/cron.ts"] },
  });
});

test("sessions that rest, and accounts that WhatsApp restricts, are warned of with their end", async () => {
  const world = await soundWorld({
    engine: "GOWS",
    version: "2026.7.2",
    sessions: [{ name: "default" }, { name: "other", restrictedUntil: ago(-900) }],
  });
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "gowsRefusal", code: 429 } });
  await world.insert({});
  await world.pass();
  await backgroundDone();
  const told = (await complaints(world)).filter(({ check }) => check === "sessions");
  expect(told.map(({ message }) => message)).toEqual([
    expect.stringMatching(/\[session_throttled: default, until 20.* UTC\]/),
    expect.stringMatching(/\[account_restricted: other, until 20.* UTC\]/),
  ]);
});
