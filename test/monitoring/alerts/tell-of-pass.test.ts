import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { backgroundDone } from "../../../lib/async.ts";
import { parseConfig } from "../../../lib/config.ts";
import { openDatabase } from "../../../lib/mongo/client.ts";
import { recordPass } from "../../../lib/monitoring/record.ts";
import { PassStats } from "../../../lib/pass/stats.ts";
import { messageOf } from "../../../lib/problems.ts";
import { type AlertedWorld, createAlertedWorld } from "../../support/alerted-world.ts";
import { callAlone } from "../../support/call-alone.ts";
import { failCommands } from "../../support/fail-commands.ts";
import { ago, createWorld } from "../../support/world.ts";

/** Puts the moments at which alerts were met last so far back. */
const quietFor = (world: AlertedWorld, seconds: number) =>
  world.scheduler.updateOne({ _id: "alerts" as never }, { $set: { "entries.$[].lastAt": ago(seconds) } });

const remembered = (world: AlertedWorld) => world.scheduler.findOne({ _id: "alerts" as never });

/** Passes that run at once, as on instances of their own. */
async function overlap(world: AlertedWorld): Promise<void> {
  await Promise.all(Array.from({ length: 5 }, () => world.call()));
  await backgroundDone();
}

test("passes in which all is well tell nothing", async () => {
  const world = await createAlertedWorld();
  await world.insert({});
  await world.callAndTell();
  await world.callAndTell();
  expect(world.waha.ledger).toHaveLength(1);
  expect(world.told()).toEqual([]);
});

describe("WAHA away", () => {
  test("is told once, in the words of the pass, and once more when it is back", async () => {
    const world = await createAlertedWorld();
    await world.waha.pause();
    for (let pass = 0; pass < 3; pass += 1) expect(await world.callAndTell()).toBe(503);
    expect(world.told()).toEqual(["waha standing"]);
    await world.waha.resume();
    for (let pass = 0; pass < 3; pass += 1) expect(await world.callAndTell()).toBe(200);
    expect(world.told()).toEqual(["waha standing", "waha over"]);
    const [raised, over] = world.alerts();
    const message = messageOf("waha_unreachable", "ECONNREFUSED");
    expect(raised?.text).toContain(message);
    expect(raised?.alerts).toMatchObject([{ code: "waha_unreachable", message }]);
    expect(over?.text).toMatch(/: WAHA is back after \d+ s$/);
    expect(over?.alerts[0]?.since).toBe(raised?.alerts[0]?.since);
  });

  test("is told by one of the passes that run at once, and so is the all-clear", async () => {
    const world = await createAlertedWorld();
    await world.waha.pause();
    await overlap(world);
    expect(world.told()).toEqual(["waha standing"]);
    await world.waha.resume();
    await overlap(world);
    expect(world.told()).toEqual(["waha standing", "waha over"]);
  });

  test("is told under its name when it is the key", async () => {
    const world = await createAlertedWorld();
    world.waha.setApiKey("another");
    await world.callAndTell();
    expect(world.alerts()[0]?.text).toContain(messageOf("waha_key_refused"));
  });
});

describe("messages that did not go out", () => {
  test("are told by kind, with their count and why", async () => {
    const world = await createAlertedWorld();
    await world.insert({ chatId: "bad" }, { chatId: "worse" }, { scheduledAt: ago(300) });
    await world.insert({ isPicked: true, delivery: lostAttempt() });
    await world.callAndTell();
    expect(world.told().sort()).toEqual(["failed standing", "missed standing", "unknown standing"]);
    const [failed] = world.alerts().filter(({ kind }) => kind === "failed");
    expect(failed?.text).toContain("2 messages ended as failed");
    expect(failed?.text).toContain(messageOf("invalid_message"));
  });

  test("are over only when there were none for ten minutes, not at every good pass", async () => {
    const world = await createAlertedWorld();
    await world.insert({ chatId: "bad" });
    await world.callAndTell();
    await quietFor(world, 590);
    await world.callAndTell();
    expect(world.told()).toEqual(["failed standing"]);
    await world.insert({ chatId: "bad" });
    await world.callAndTell();
    await quietFor(world, 610);
    await overlap(world);
    await world.callAndTell();
    expect(world.told()).toEqual(["failed standing", "failed over"]);
  });

  test("are told by the next pass if the one that counted them did not live to", async () => {
    const world = await createAlertedWorld();
    const at = new Date();
    const summary = { ...new PassStats().summary("dead", at, 0), failed: 2, missed: 1 };
    const pass = { passId: "dead", startedAt: at, endedAt: at, summary };
    const db = openDatabase(parseConfig(world.env));
    await recordPass(db, pass, {}, { seenAt: at, working: undefined });
    for (let pass = 0; pass < 2; pass += 1) await world.callAndTell();
    expect(world.told().sort()).toEqual(["failed standing", "missed standing"]);
    expect(world.alerts().map(({ text }) => text)).toContainEqual(
      expect.stringContaining("2 messages ended as failed"),
    );
    expect((await remembered(world))?.unannounced).toEqual({});
    // They have become alerts, and count as such no second time.
    await quietFor(world, 610);
    await world.callAndTell();
    expect(world.told().filter((what) => what.endsWith("over"))).toHaveLength(2);
  });

  test("are told with the reason that is certainly theirs, or with none", async () => {
    const world = await createAlertedWorld({
      sessions: [{ name: "default" }, { name: "down", status: "FAILED" }],
    });
    await world.insert({ sessionId: "down" }, { chatId: "bad" });
    await world.callAndTell();
    expect(world.alerts()[0]?.alerts).toMatchObject([{ code: "invalid_message" }]);
    expect(world.alerts()[0]?.text).not.toContain("session_not_working");
    await world.insert({ scheduledAt: ago(300) }, { sessionId: "down" });
    await world.callAndTell();
    const [missed] = world.alerts().filter(({ kind }) => kind === "missed");
    expect(missed?.alerts).toMatchObject([{ code: null }]);
  });

  test("stand with what was met last", async () => {
    const world = await createAlertedWorld();
    await world.insert({ chatId: "bad" });
    await world.callAndTell();
    await world.insert({ chatId: "bad" }, { chatId: "worse" });
    await world.callAndTell();
    expect(world.told()).toEqual(["failed standing"]);
    expect(await remembered(world)).toMatchObject({
      entries: [{ message: expect.stringMatching(/^2 messages ended as failed/) }],
    });
  });

  test("put off the all-clear by those that come meanwhile", async () => {
    const world = await createAlertedWorld();
    await world.insert({ chatId: "bad" });
    await world.callAndTell();
    await quietFor(world, 610);
    await world.insert({ chatId: "bad" });
    await world.callAndTell();
    await world.callAndTell();
    expect(world.told()).toEqual(["failed standing"]);
  });
});

describe("a session that stops working", () => {
  test("is told with its name and status, and is over when it works again", async () => {
    const world = await createAlertedWorld();
    world.waha.setSessionStatus("default", "SCAN_QR_CODE");
    await world.callAndTell();
    await world.callAndTell();
    expect(world.told()).toEqual(["session standing"]);
    expect(world.alerts()[0]?.text).toContain(`${messageOf("session_not_working")} (default: SCAN_QR_CODE)`);
    world.waha.setSessionStatus("default", "WORKING");
    await world.callAndTell();
    await world.callAndTell();
    expect(world.told()).toEqual(["session standing", "session over"]);
  });

  test("is told by one of the passes that run at once", async () => {
    const world = await createAlertedWorld();
    world.waha.setSessionStatus("default", "FAILED");
    await overlap(world);
    world.waha.setSessionStatus("default", "WORKING");
    await overlap(world);
    expect(world.told()).toEqual(["session standing", "session over"]);
  });

  test("is told together with the others", async () => {
    const sessions = [{ name: "a" }, { name: "b" }, { name: "c" }];
    const world = await createAlertedWorld({ sessions });
    world.waha.setSessionStatus("a", "FAILED");
    world.waha.removeSession("b");
    await world.callAndTell();
    expect(world.told()).toEqual(["session standing"]);
    expect(world.alerts()[0]?.alerts.map(({ about, code }) => [about, code])).toEqual([
      ["a", "session_not_working"],
      ["b", "session_not_found"],
    ]);
  });

  test("is named in the all-clear, too", async () => {
    const names = ["a", "b", "c"];
    const world = await createAlertedWorld({ sessions: names.map((name) => ({ name })) });
    for (const status of ["FAILED", "WORKING"] as const) {
      for (const name of names) world.waha.setSessionStatus(name, status);
      await world.callAndTell();
    }
    const lines = world.alerts()[1]?.text.split("\n") ?? [];
    expect(lines).toHaveLength(3);
    for (const [index, name] of names.entries())
      expect(lines[index]).toMatch(new RegExp(`"${name}": the session works again after \\d+ s$`));
  });

  test("is told also by an instance that never saw it work", async () => {
    const world = await createAlertedWorld();
    world.waha.addSession({ name: "new" });
    await callAlone(world);
    world.waha.setSessionStatus("new", "FAILED");
    await world.callAndTell();
    expect(world.told()).toEqual(["session standing"]);
  });

  test("is not told while it is being started, nor if it never worked", async () => {
    const sessions = [{ name: "a" }, { name: "new", status: "SCAN_QR_CODE" as const }];
    const world = await createAlertedWorld({ sessions });
    world.waha.setSessionStatus("a", "STARTING");
    await world.callAndTell();
    world.waha.setSessionStatus("a", "WORKING");
    await world.callAndTell();
    expect(world.told()).toEqual([]);
  });
});

describe("a pass that ends after one that looked around WAHA later", () => {
  test("gives no all-clear for a session that went down meanwhile, and has it told no second time", async () => {
    const world = await createAlertedWorld();
    await world.insert({});
    const answer = world.waha.addFault({
      match: { route: "sendText" },
      action: { type: "delay", ms: 60_000 },
    });
    const earlier = world.call();
    await world.waha.received("sendText", 1);
    world.waha.setSessionStatus("default", "FAILED");
    await world.callAndTell();
    answer();
    await earlier;
    for (let pass = 0; pass < 2; pass += 1) await world.callAndTell();
    expect(world.told().filter((what) => what.startsWith("session"))).toEqual(["session standing"]);
    expect(await remembered(world)).toMatchObject({ working: [] });
  });

  test("counts by its last look, if it stays", async () => {
    const world = await createAlertedWorld();
    const stop = new AbortController();
    const looks = () => world.waha.requestCount({ route: "sessions" });
    const before = looks();
    // In a third of a minute a pass looks again after five seconds.
    Object.assign(world.env, { PASS_SECONDS: "20", TAIL_SECONDS: "3", STAY_SECONDS: "15" });
    const staying = world.call("", { stop: stop.signal });
    await expect.poll(looks).toBe(before + 1);
    world.env.STAY_SECONDS = "0";
    await world.call();
    world.waha.setSessionStatus("default", "FAILED");
    await expect.poll(looks, { timeout: 20_000 }).toBe(before + 3);
    await sleep(300); // until it has WAHA's answer
    stop.abort();
    await staying;
    await backgroundDone();
    expect(world.told()).toEqual(["session standing"]);
  });

  test("gives no alarm for a WAHA that answers again", async () => {
    const world = await createAlertedWorld();
    const looks = world.waha.requestCount({ route: "sessions" });
    world.waha.addFault({ match: { route: "sessions" }, times: 1, action: { type: "hangBefore" } });
    const earlier = world.call();
    await world.waha.received("sessions", looks + 1);
    await sleep(300); // more than the two readings of the clock may differ
    await world.call();
    // Cuts the request that hangs.
    await world.waha.pause();
    expect((await earlier).status).toBe(503);
    await backgroundDone();
    expect(world.told()).toEqual([]);
  });
});

describe("a database that keeps passes from some of their work", () => {
  /** Has the database refuse commands of the function's on one collection, until the function that it gives is called. */
  function refuse(world: AlertedWorld, collection: string, commands: string[]) {
    const namespace = `${world.db.databaseName}.${collection}`;
    return failCommands(world, "alwaysOn", { failCommands: commands, errorCode: 13, namespace });
  }

  test("is told once, and once more when it does so no longer", async () => {
    const world = await createAlertedWorld();
    const allow = await refuse(world, "messages", ["aggregate"]);
    for (let pass = 0; pass < 3; pass += 1) expect(await world.callAndTell()).toBe(503);
    expect(world.told()).toEqual(["database standing"]);
    expect(world.alerts()[0]?.text).toContain(messageOf("database_refused"));
    await allow();
    for (let pass = 0; pass < 2; pass += 1) expect(await world.callAndTell()).toBe(200);
    expect(world.told()).toEqual(["database standing", "database over"]);
  });

  test.each([
    ["and then from all of it", ["messages", "scheduler"]],
    ["after it had kept them from all", ["scheduler", "messages"]],
  ])("is told once, %s", async (_name, collections) => {
    const world = await createAlertedWorld();
    for (const collection of collections) {
      const allow = await refuse(world, collection, ["aggregate", "update"]);
      for (let pass = 0; pass < 2; pass += 1) expect(await world.callAndTell()).toBe(503);
      await allow();
    }
    expect(world.told()).toEqual(["database standing"]);
    for (let pass = 0; pass < 2; pass += 1) expect(await world.callAndTell()).toBe(200);
    expect(world.told()).toEqual(["database standing", "database over"]);
  });
});

describe("passes that come again after a gap", () => {
  const lastEnded = (world: AlertedWorld, secondsAgo: number) =>
    world.scheduler.updateOne({ _id: "last-pass" as never }, { $set: { endedAt: ago(secondsAgo) } });

  test("say once how long it was", async () => {
    const world = await createAlertedWorld();
    await lastEnded(world, 600);
    await overlap(world);
    await world.insert({ chatId: "bad" });
    await world.callAndTell();
    expect(world.told()).toEqual(["passes over", "failed standing"]);
    expect(world.alerts()[0]?.text).toMatch(/passes run again after 10 min$/);
  });

  test("say so also where the receiver refused it at first, or the first of them could not", async () => {
    const world = await createAlertedWorld();
    await lastEnded(world, 600);
    world.receiver.status = 500;
    await world.callAndTell();
    world.receiver.status = 200;
    for (let pass = 0; pass < 3; pass += 1) await world.callAndTell();
    expect(world.told()).toEqual(["passes over", "passes over"]);
    const gap = { from: ago(900), to: ago(300), passId: "died-before-it-could-tell" };
    await world.scheduler.updateOne({ _id: "alerts" as never }, { $set: { gapsUntil: ago(3600) } });
    await world.scheduler.updateOne({ _id: "last-pass" as never }, { $set: { gap } });
    await world.insert({ chatId: "bad" });
    await world.callAndTell();
    expect(world.told().sort()).toEqual(["failed standing", ...Array(3).fill("passes over")]);
  });

  test("say nothing where one was late", async () => {
    const world = await createAlertedWorld();
    await lastEnded(world, 170);
    await world.callAndTell();
    expect(world.told()).toEqual([]);
  });
});

test("the first pass of all says nothing of a gap", async () => {
  const world = await createAlertedWorld();
  expect(world.told()).toEqual([]);
});

test("a session that was stopped on purpose stands for a day, and no longer", async () => {
  const world = await createAlertedWorld({ sessions: [{ name: "default" }, { name: "other" }] });
  world.waha.setSessionStatus("other", "STOPPED");
  await world.callAndTell();
  await quietFor(world, 23 * 3600);
  await world.callAndTell();
  expect(world.told()).toEqual(["session standing"]);
  await quietFor(world, 25 * 3600);
  await world.callAndTell();
  // That it is still stopped is no all-clear.
  expect(world.told()).toEqual(["session standing"]);
  expect(await remembered(world)).toMatchObject({ entries: [] });
});

test("without a webhook alerts stand all the same, for the status page", async () => {
  const world = await createWorld();
  await world.insert({ chatId: "bad" });
  await world.pass();
  await backgroundDone();
  expect(await world.scheduler.findOne({ _id: "alerts" as never })).toMatchObject({
    entries: [{ kind: "failed", code: "invalid_message" }],
  });
});

function lostAttempt() {
  return { state: "attempting", passId: "dead", attemptAt: ago(700), attempts: 1, nextLookupAt: ago(1) };
}
