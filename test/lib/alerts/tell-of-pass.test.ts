import { describe, expect, test } from "vitest";
import { backgroundDone } from "../../../lib/background.ts";
import { PROBLEMS, splitWords } from "../../../lib/problems.ts";
import { type AlertedWorld, createAlertedWorld } from "../../support/alerted-world.ts";
import { callAlone } from "../../support/call-alone.ts";
import { ago, createWorld } from "../../support/world.ts";

/** Puts the moments at which alerts were met last so far back. */
const quietFor = (world: AlertedWorld, seconds: number) =>
  world.scheduler.updateOne({ _id: "alerts" as never }, { $set: { "entries.$[].lastAt": ago(seconds) } });

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
    expect(raised?.text).toContain(PROBLEMS.waha_unreachable);
    expect(raised?.alerts).toMatchObject([{ code: "waha_unreachable", message: PROBLEMS.waha_unreachable }]);
    expect(over?.text).toContain(splitWords(PROBLEMS.waha_unreachable).happened);
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
    expect(world.alerts()[0]?.text).toContain(PROBLEMS.waha_key_refused);
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
    expect(failed?.text).toContain("2 messages are failed");
    expect(failed?.text).toContain(PROBLEMS.invalid_message);
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
    expect(world.alerts()[0]?.text).toContain(`${PROBLEMS.session_not_working} (default: SCAN_QR_CODE)`);
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

  test("is told also by an instance that never saw it work", async () => {
    const world = await createAlertedWorld();
    world.waha.addSession({ name: "new" });
    await callAlone(world);
    world.waha.setSessionStatus("new", "FAILED");
    await world.callAndTell();
    expect(world.told()).toEqual(["session standing"]);
  });

  test("is no news while it is being started, nor if it never worked", async () => {
    const sessions = [{ name: "a" }, { name: "new", status: "SCAN_QR_CODE" as const }];
    const world = await createAlertedWorld({ sessions });
    world.waha.setSessionStatus("a", "STARTING");
    await world.callAndTell();
    world.waha.setSessionStatus("a", "WORKING");
    await world.callAndTell();
    expect(world.told()).toEqual([]);
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
    expect(world.alerts()[0]?.text).toMatch(/over after 10 min: .*no pass has ended/);
  });

  test("say so also where nobody took it at first, or the first of them could not", async () => {
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
  expect(world.told()).toEqual(["session standing", "session over"]);
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
