import { expect, test } from "vitest";
import { callAlone } from "./support/call-alone.ts";
import { RECEIVERS_SECRET, startReceiver } from "./support/receiver.ts";
import { ago, createWorld, SECRET, WAHA_KEY, type World } from "./support/world.ts";

const TEXT = "Words for Anna alone";
const CHAT = "491709999888";

/** Calls the function in a process of its own, at the most talkative level; gives everything that it printed. */
async function printed(world: World, settings: NodeJS.ProcessEnv = {}, secret = SECRET): Promise<string> {
  const called = await callAlone(world, { settings: { LOG_LEVEL: "trace", ...settings }, secret });
  return called.output;
}

/** What no line and no answer may hold. */
function expectSilence(output: string, world: World, ...more: string[]): void {
  const host = new URL(world.env.DATABASE_URL ?? "").host;
  for (const secret of [TEXT, CHAT, SECRET, WAHA_KEY, host, "mongodb://", world.waha.url, ...more]) {
    expect(output).not.toContain(secret);
  }
  expect(output).not.toMatch(/\n\s+at .*\n/);
}

async function worldWithOneDue(): Promise<World> {
  const world = await createWorld();
  await world.insert({ content: TEXT, chatId: CHAT });
  return world;
}

test("a good pass tells what it did, in one line with its id, and a line a message when asked to", async () => {
  const world = await worldWithOneDue();
  const output = await printed(world);
  const lines = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.find((line) => line.msg === "pass")).toMatchObject({
    passId: expect.any(String),
    sent: 1,
    ok: true,
  });
  expect(lines.find((line) => line.msg === "sent")).toMatchObject({
    messageId: expect.any(String),
    session: "default",
  });
  expectSilence(output, world);
});

test("at the level debug the log tells a message's whole story by its id", async () => {
  const world = await worldWithOneDue();
  const { _id } = (await world.messages.findOne({})) ?? {};
  const output = await printed(world, { LOG_LEVEL: "debug" });
  const lines = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const story = lines.filter(({ messageId }) => messageId === String(_id));
  expect(story.map(({ msg }) => msg)).toEqual([
    "claimed",
    "intent acknowledged: it is posted now",
    "sent",
    "recorded as sent",
  ]);
  for (const line of story) expect(line).toMatchObject({ passId: story[0].passId, session: "default" });
});

test("an error of WAHA's that repeats the text is told without it", async () => {
  const world = await worldWithOneDue();
  world.waha.addFault({ match: { route: "sendText" }, action: { type: "error500Before" } });
  const output = await printed(world);
  expect(output).toContain("waha_error");
  expectSilence(output, world);
});

test("a message that can't be sent is told without what is wrong in it", async () => {
  const world = await createWorld();
  await world.insert(
    { content: TEXT, chatId: `${CHAT}@nowhere` },
    { content: TEXT, chatId: CHAT, sessionId: "gone" },
  );
  const output = await printed(world);
  expect(output).toContain("invalid_message");
  expect(output).toContain("session_not_found");
  expectSilence(output, world);
});

test("a database that turns the user away is told without its address, user or password", async () => {
  const world = await worldWithOneDue();
  const address = new URL(world.env.DATABASE_URL ?? "");
  address.username = "anna";
  address.password = "hunter2";
  const output = await printed(world, { DATABASE_URL: address.toString() });
  expect(output).toContain('"status":503');
  expectSilence(output, world, "hunter2", "anna");
});

test("a wrong key and a stranger are told without the right ones", async () => {
  const world = await worldWithOneDue();
  world.waha.setApiKey("another");
  const refused = await printed(world);
  expect(refused).toContain("waha_key_refused");
  const stranger = await printed(world, {}, "a-strangers-guess");
  expect(stranger).toContain('"credentials":"wrong"');
  expectSilence(refused + stranger, world, "a-strangers-guess");
});

const REFUSALS: [name: string, status: number | "closed"][] = [
  ["refuses", 403],
  ["redirects in vain", 302],
  ["is not there", "closed"],
];

test.each(REFUSALS)("a receiver of alerts that %s is told without its address", async (_name, status) => {
  const world = await worldWithOneDue();
  const receiver = await startReceiver();
  receiver.status = status === "closed" ? 200 : status;
  const url = status === "closed" ? `http://127.0.0.1:9/${RECEIVERS_SECRET}` : receiver.url;
  await world.insert({ content: TEXT, chatId: `${CHAT}@nowhere` });
  const output = await printed(world, { ALERT_WEBHOOK_URL: url, HEARTBEAT_URL: url });
  for (const setting of ["ALERT_WEBHOOK_URL", "HEARTBEAT_URL"])
    expect(output).toContain(`"setting":"${setting}"`);
  expectSilence(output, world, RECEIVERS_SECRET, url);
});

test("an alert holds neither text nor chat nor secret", async () => {
  const world = await worldWithOneDue();
  const receiver = await startReceiver();
  await world.insert({ content: TEXT, chatId: `${CHAT}@nowhere` });
  const output = await printed(world, { ALERT_WEBHOOK_URL: receiver.url });
  expect(receiver.taken).toHaveLength(1);
  const posted = receiver.taken.map(({ body }) => body).join();
  expect(posted).toContain("invalid_message");
  expectSilence(output + posted, world, RECEIVERS_SECRET);
});

test("wrong addresses of receivers are named, and not shown", async () => {
  const world = await worldWithOneDue();
  const wrong = `ftp://127.0.0.1/${RECEIVERS_SECRET}`;
  const output = await printed(world, { ALERT_WEBHOOK_URL: wrong, HEARTBEAT_URL: wrong });
  expect(output).toContain("ALERT_WEBHOOK_URL must be an http:// or https:// address");
  expect(output).toContain("HEARTBEAT_URL must be an http:// or https:// address");
  expectSilence(output, world, RECEIVERS_SECRET);
});

test("a time limit that turns refusals into time-outs is warned about", async () => {
  const world = await worldWithOneDue();
  expect(await printed(world, { WAHA_TIMEOUT_MS: "5999" })).toContain("WAHA_TIMEOUT_MS is under 6000");
  await world.insert({ scheduledAt: ago(1) });
  expect(await printed(world, { WAHA_TIMEOUT_MS: "6000" })).not.toContain("WAHA_TIMEOUT_MS");
});
