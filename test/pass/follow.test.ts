import { beforeEach, describe, expect, test } from "vitest";
import { gowsError } from "../../dev/waha-simulator/engine-errors.ts";
import type { FaultAction } from "../../dev/waha-simulator/faults.ts";
import { backgroundDone } from "../../lib/async.ts";
import { writeLogTo } from "../../lib/log.ts";
import { errorUrl, messageOf } from "../../lib/problems.ts";
import { failCommands } from "../support/fail-commands.ts";
import { startReceiver } from "../support/receiver.ts";
import { ago, createWorld, type World } from "../support/world.ts";

type Line = Record<string, unknown> & { msg: string };

/** pino's number for the level. */
const ERROR = 50;

const lines: Line[] = [];
writeLogTo({ write: (line) => void lines.push(JSON.parse(line)) });
beforeEach(() => void lines.splice(0));

/** Calls the function, waits for what goes on behind its answer, and gives the lines of that. */
async function follow(world: World): Promise<Line[]> {
  lines.splice(0);
  await (await world.call()).text();
  await backgroundDone();
  return lines.splice(0);
}

/** Holds up the database's answer to each call's first question. */
const hang = (world: World) =>
  failCommands(world, "alwaysOn", { failCommands: ["hello"], blockConnection: true, blockTimeMS: 3000 });

describe("a pass that did not come to its end has its summary line, and its id in every line", () => {
  test("where the database can't be reached", async () => {
    const away = { DATABASE_URL: "mongodb://127.0.0.1:9/app?serverSelectionTimeoutMS=100" };
    const receiver = await startReceiver();
    receiver.status = 500;
    const world = await createWorld({}, { LOG_LEVEL: "info", ALERT_WEBHOOK_URL: receiver.url, ...away });
    const told = await follow(world);
    const [pass, ...others] = told.filter(({ msg }) => msg === "pass");
    expect(pass).toMatchObject({ ok: false, sent: 0, errors: [{ code: "database_unreachable", count: 1 }] });
    expect(others).toEqual([]);
    expect(pass?.passId).toMatch(/^[0-9a-f-]{36}$/);
    // The third one: the alert was not taken.
    expect(told.map(({ passId }) => passId)).toEqual([pass?.passId, pass?.passId, pass?.passId]);
  });

  test("where it was cut off", async () => {
    const settings = { PASS_SECONDS: "1", TAIL_SECONDS: "0.5", LOG_LEVEL: "info" };
    const world = await createWorld({}, settings);
    const goOn = await hang(world);
    const told = await follow(world);
    await goOn();
    const [pass] = told.filter(({ msg }) => msg === "pass");
    expect(pass).toMatchObject({ ok: false, errors: [{ code: "pass_overran" }] });
    expect(pass?.durationMs).toBeGreaterThan(900);
    expect(new Set(told.map(({ passId }) => passId))).toEqual(new Set([pass?.passId]));
  });
});

describe("what keeps a pass from its work has a line with its code, and the address of the code's page", () => {
  test("where WAHA is away", async () => {
    const world = await createWorld({}, { LOG_LEVEL: "info" });
    await world.insert({});
    world.waha.setApiKey("another");
    const told = await follow(world);
    expect(told.filter(({ level }) => level === ERROR)).toMatchObject([
      {
        code: "waha_key_refused",
        msg: messageOf("waha_key_refused"),
        help: errorUrl("waha_key_refused"),
        passId: expect.any(String),
      },
    ]);
  });

  test("where the database turns one step away", async () => {
    const world = await createWorld({}, { LOG_LEVEL: "info" });
    await follow(world);
    await world.db.command({ collMod: "scheduler", validator: { _id: { $ne: "last-pass" } } });
    const told = await follow(world);
    expect(told.filter(({ step }) => step === "last pass")).toMatchObject([
      { code: "database_refused", help: errorUrl("database_refused") },
    ]);
  });
});

/** What one message is about, how WAHA answers its POST, and what the log then says of it. */
const ENDS: [name: string, fields: object, action: FaultAction | undefined, says: string, records: string][] =
  [
    ["that is malformed", { chatId: "+44 1" }, undefined, "failed: the message is invalid", "failed"],
    [
      "that WhatsApp refuses",
      {},
      gowsError("numberNotFound"),
      "failed: trying again would fail again",
      "failed",
    ],
    ["that WAHA refuses", {}, { type: "status", status: 400 }, "given back: nothing was sent", "released"],
    [
      "whose answer is lost",
      {},
      { type: "resetAfter" },
      "attempted: the outcome is not known, and will be looked up",
      "attempting",
    ],
  ];

test.each(ENDS)(
  "a message %s has a line that says what became of it",
  async (_name, fields, action, says, records) => {
    const world = await createWorld({ engine: "GOWS" }, { LOG_LEVEL: "debug" });
    if (action) world.waha.addFault({ match: { route: "sendText" }, action });
    const [id] = await world.insert(fields);
    const told = (await follow(world)).filter(({ messageId }) => messageId === id?.toHexString());
    expect(told.map(({ msg }) => msg)).toEqual(expect.arrayContaining([says, `recorded as ${records}`]));
    for (const line of told) expect(line).not.toHaveProperty("campaignId");
  },
);

test("a message without an id, whose answer is lost, has a line that says why it is unknown", async () => {
  const world = await createWorld({ engine: "WEBJS" }, { LOG_LEVEL: "info" });
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "resetAfter" } });
  await world.insert({ campaignId: "spring", sessionId: "default" });
  expect(await follow(world)).toContainEqual(
    expect.objectContaining({
      msg: "unknown: the outcome is not known, and there is no id to look it up by",
      campaignId: "spring",
    }),
  );
});

test("each message that is missed, or whose flags are set back, has a line of its own", async () => {
  const world = await createWorld({}, { LOG_LEVEL: "info" });
  const missed = await world.insert(...Array.from({ length: 25 }, () => ({ scheduledAt: ago(300) })));
  const [reset] = await world.insert({ delivery: { state: "unknown" } });
  const told = await follow(world);
  for (const id of missed)
    expect(told).toContainEqual(
      expect.objectContaining({
        messageId: id.toHexString(),
        msg: "missed: the window closed unsent",
        passId: expect.any(String),
      }),
    );
  expect(told.filter(({ messageId }) => messageId === reset?.toHexString())).toMatchObject([
    { code: "flag_reset" },
  ]);
});

test("at debug a message that waits for its session, and one that was given back, are found by their ids", async () => {
  const world = await createWorld(
    { sessions: [{ name: "down", status: "STOPPED" }] },
    { LOG_LEVEL: "debug" },
  );
  const claimed = { state: "claimed", passId: "dead", claimedAt: ago(90), claimExpiresAt: ago(40) };
  const [blocked, rescued] = await world.insert(
    { sessionId: "down" },
    { sessionId: "down", isPicked: true, delivery: claimed },
  );
  const told = await follow(world);
  const of = (id: typeof blocked) => told.filter(({ messageId }) => messageId === id?.toHexString());
  expect(of(blocked)).toContainEqual(
    expect.objectContaining({ code: "session_not_working", passId: expect.any(String) }),
  );
  expect(of(rescued)[0]?.msg).toBe("given back: the pass that had claimed it died");
});
