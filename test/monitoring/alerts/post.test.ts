import { describe, expect, test } from "vitest";
import { backgroundDone, endsWithin } from "../../../lib/async.ts";
import { type AlertedWorld, createAlertedWorld } from "../../support/alerted-world.ts";
import { callAlone } from "../../support/call-alone.ts";
import { startReceiver } from "../../support/receiver.ts";
import { ago, createWorld, message, SECRET, WAHA_KEY } from "../../support/world.ts";

describe("what is posted", () => {
  test("is JSON that Slack, Discord and programs understand", async () => {
    const world = await createAlertedWorld();
    await world.waha.pause();
    await world.callAndTell();
    const [taken] = world.receiver.taken;
    expect(taken?.method).toBe("POST");
    expect(taken?.contentType).toBe("application/json");
    const [alert] = world.alerts();
    expect(alert?.text).toBe(alert?.content);
    expect(alert).toMatchObject({
      text: expect.stringContaining("waha_unreachable"),
      allowed_mentions: { parse: [] },
      kind: "waha",
      state: "standing",
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      alerts: [{ about: "", code: "waha_unreachable", since: expect.stringMatching(/^\d{4}-.*Z$/) }],
    });
  });

  test("is never longer than Discord takes, and mentions no person, whatever the sessions are called", async () => {
    const sessions = Array.from({ length: 40 }, (_, n) => ({ name: `<!everyone> ${n} ${"x".repeat(200)}` }));
    const world = await createAlertedWorld({ sessions });
    for (const { name } of sessions) world.waha.removeSession(name);
    await world.callAndTell();
    const [alert] = world.alerts();
    expect(alert?.alerts).toHaveLength(40);
    expect(alert?.content.length).toBeGreaterThan(1000);
    expect(alert?.content.length).toBeLessThanOrEqual(2000);
    expect(alert?.content).not.toContain("<");
  });

  const NAMES = [
    "x\n🟢 waha-scheduler: over after 5 s: all is well",
    "x\u2028🟢 waha-scheduler: over",
    "[Log in](https://evil.example)",
    "<https://evil.example|Log in>",
    "https://evil.example/x",
    "see www.evil.example now",
    "@all @everyone @channel",
    "**bold** `code` ~~no~~ ||spoiler||",
    "\u202eabc\u200b\u009b31m",
    "y".repeat(500),
  ];

  test.each(NAMES)("takes a name for a name, and forges nothing: %j", async (name) => {
    const world = await createAlertedWorld({ sessions: [{ name: "default" }, { name }] });
    await world.insert({ sessionId: name }, { sessionId: `${name}!`, scheduledAt: ago(300) });
    world.waha.removeSession(name);
    await world.callAndTell();
    await world.insert({ sessionId: `${name}!` });
    await world.callAndTell();
    const missed = { "delivery.error.code": "session_not_found", isSent: false };
    await world.messages.updateMany(missed, {
      $set: { scheduledAt: ago(200), "delivery.error.at": ago(100) },
    });
    await world.callAndTell();
    expect(world.told()).toContain("session standing");
    expect(world.told()).toContain("missed standing");
    for (const { text, alerts } of world.alerts()) {
      expect(text.split("\n")).toHaveLength(alerts.length);
      for (const line of text.split("\n")) expect(line).toMatch(/^(🔴|🟢) waha-scheduler: /u);
      const ofNames = [text, ...alerts.map(({ message }) => message)]
        .join(" ")
        .replaceAll(/\[[a-z_]+\]/g, "");
      expect(ofNames).not.toMatch(/[<>@*`~|[\]\\]|:\/\/|evil\.example|[\p{Cc}\p{Cf}\u2028]/u);
      expect(ofNames).not.toContain("y".repeat(101));
    }
  });

  test("holds no text, chat, key, secret or address", async () => {
    const world = await createAlertedWorld();
    const text = "Words for Anna alone";
    await world.insert({ chatId: "491709999888@nowhere", content: text });
    await world.insert({
      chatId: "491709999888",
      content: text,
      sessionId: "gone",
      scheduledAt: new Date(0),
    });
    await world.callAndTell();
    await world.waha.pause();
    await world.callAndTell();
    expect(world.receiver.taken.length).toBeGreaterThan(1);
    const posted = JSON.stringify(world.receiver.taken.map(({ body }) => body));
    const { host } = new URL(world.env.DATABASE_URL ?? "");
    for (const secret of [text, "491709999888", SECRET, WAHA_KEY, host, world.waha.url])
      expect(posted).not.toContain(secret);
  });
});

describe("an alert that was not taken", () => {
  test("is told again by the next pass, until it is taken", async () => {
    const world = await createAlertedWorld();
    world.receiver.status = 500;
    await world.waha.pause();
    await world.callAndTell();
    await world.callAndTell();
    expect(world.told()).toEqual(["waha standing", "waha standing"]);
    world.receiver.status = 200;
    for (let pass = 0; pass < 3; pass += 1) await world.callAndTell();
    expect(world.told()).toEqual(Array(3).fill("waha standing"));
  });

  test.each([301, 302, 307])(
    "counts as such where a redirect (%i) is the answer, which is not followed",
    async (status) => {
      const world = await createAlertedWorld();
      world.receiver.status = status;
      await world.waha.pause();
      await world.callAndTell();
      expect(world.receiver.taken.map(({ method, path }) => [method, path.startsWith("/hooks/")])).toEqual([
        ["POST", true],
      ]);
      world.receiver.status = 200;
      for (let pass = 0; pass < 2; pass += 1) await world.callAndTell();
      expect(world.told()).toEqual(["waha standing", "waha standing"]);
    },
  );

  test("is told again also when it was a session's", async () => {
    const world = await createAlertedWorld();
    world.receiver.status = 500;
    world.waha.setSessionStatus("default", "FAILED");
    await world.callAndTell();
    world.receiver.status = 200;
    for (let pass = 0; pass < 3; pass += 1) await world.callAndTell();
    expect(world.told()).toEqual(Array(2).fill("session standing"));
  });

  test("is told again also when it was the all-clear", async () => {
    const world = await createAlertedWorld();
    await world.waha.pause();
    await world.callAndTell();
    await world.waha.resume();
    world.receiver.status = 500;
    await world.callAndTell();
    world.receiver.status = 200;
    for (let pass = 0; pass < 3; pass += 1) await world.callAndTell();
    expect(world.told()).toEqual(["waha standing", "waha over", "waha over"]);
  });
});

describe("a pass that dies before it has told", () => {
  /** Calls the function in a process that is killed while the receiver holds its alert. */
  async function dieTelling(world: AlertedWorld): Promise<void> {
    const known = world.receiver.taken.length;
    world.receiver.status = 0;
    const killed = new AbortController();
    const call = callAlone(world, { signal: killed.signal });
    await expect.poll(() => world.receiver.taken.length).toBeGreaterThan(known);
    killed.abort();
    await expect(call).rejects.toThrow();
    world.receiver.status = 200;
  }

  const letClaimExpire = (world: AlertedWorld) =>
    world.scheduler.updateOne(
      { _id: "alerts" as never },
      { $set: { "entries.$[].claimedUntil": new Date(Date.now() - 1) } },
    );

  test("leaves the alert to a later pass, half a minute on", async () => {
    const world = await createAlertedWorld();
    await world.waha.pause();
    await dieTelling(world);
    await world.callAndTell();
    expect(world.told()).toEqual(["waha standing"]);
    await letClaimExpire(world);
    for (let pass = 0; pass < 3; pass += 1) await world.callAndTell();
    expect(world.told()).toEqual(Array(2).fill("waha standing"));
  });

  test("leaves the all-clear to a later pass", async () => {
    const world = await createAlertedWorld();
    await world.waha.pause();
    await world.callAndTell();
    await world.waha.resume();
    await dieTelling(world);
    await letClaimExpire(world);
    for (let pass = 0; pass < 3; pass += 1) await world.callAndTell();
    expect(world.told()).toEqual(["waha standing", "waha over", "waha over"]);
  });
});

describe("what begins again before anybody was told that it was over", () => {
  test("is told no second time, and once when it is over at last", async () => {
    const world = await createAlertedWorld();
    await world.waha.pause();
    await world.callAndTell();
    world.receiver.status = 500;
    await world.waha.resume();
    await world.callAndTell();
    await world.waha.pause();
    world.receiver.status = 200;
    await world.callAndTell();
    expect(world.told()).toEqual(["waha standing", "waha over"]);
    await world.waha.resume();
    await world.callAndTell();
    await world.callAndTell();
    expect(world.told()).toEqual(["waha standing", "waha over", "waha over"]);
  });
});

describe("a receiver that hangs", () => {
  test("holds up neither the pass nor its answer", async () => {
    const receiver = await startReceiver();
    receiver.status = 0;
    const world = await createWorld({}, { ALERT_WEBHOOK_URL: receiver.url, HEARTBEAT_URL: receiver.url });
    await world.insert({ chatId: "bad" }, {});
    const summary = await world.pass();
    // The receiver is given five seconds, which go on behind the answer.
    expect(await endsWithin(backgroundDone(), 0)).toBe(false);
    expect(summary).toMatchObject({ sent: 1, failed: 1 });
    await expect.poll(() => receiver.taken.map(({ method }) => method).sort()).toEqual(["GET", "POST"]);
    receiver.release();
    await backgroundDone();
  });

  test("is left alone after five seconds", async () => {
    const world = await createAlertedWorld();
    world.receiver.status = 0;
    await world.waha.pause();
    const began = performance.now();
    await world.callAndTell();
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe("the heartbeat", () => {
  test("is heard after each pass that ran, also where messages failed", async () => {
    const receiver = await startReceiver();
    const world = await createWorld({}, { HEARTBEAT_URL: receiver.url });
    await world.insert(message({ chatId: "bad" }));
    expect(await world.pass()).toMatchObject({ failed: 1 });
    await world.pass();
    await backgroundDone();
    expect(receiver.taken.map(({ method }) => method)).toEqual(["GET", "GET"]);
  });

  test("goes to its own address alone: a redirect is not followed", async () => {
    const receiver = await startReceiver();
    const world = await createWorld({}, { HEARTBEAT_URL: receiver.url });
    receiver.status = 302;
    await world.pass();
    await backgroundDone();
    expect(receiver.taken.map(({ path }) => path)).toEqual([new URL(receiver.url).pathname]);
  });

  test("is not heard when something was away, nor after a look or a stranger's call", async () => {
    const receiver = await startReceiver();
    const world = await createWorld({}, { HEARTBEAT_URL: receiver.url });
    expect((await world.call("?dryRun=true")).status).toBe(200);
    await world.waha.pause();
    expect((await world.call()).status).toBe(503);
    await world.waha.resume();
    world.env.CRON_SECRET = "another-secret-altogether";
    expect((await world.call()).status).toBe(401);
    await backgroundDone();
    expect(receiver.taken).toEqual([]);
  });
});
