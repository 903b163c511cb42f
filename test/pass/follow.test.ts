import { beforeEach, describe, expect, test } from "vitest";
import { backgroundDone } from "../../lib/async.ts";
import { writeLogTo } from "../../lib/log.ts";
import { startReceiver } from "../support/receiver.ts";
import { ago, createWorld, type World } from "../support/world.ts";

type Line = Record<string, unknown> & { msg: string };

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
async function hang({ db }: World): Promise<() => Promise<void>> {
  const data = {
    failCommands: ["hello"],
    blockConnection: true,
    blockTimeMS: 3000,
    appName: db.databaseName,
  };
  await db.admin().command({ configureFailPoint: "failCommand", mode: "alwaysOn", data });
  return async () => void (await db.admin().command({ configureFailPoint: "failCommand", mode: "off" }));
}

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
    // The third one: nobody took the alert.
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
