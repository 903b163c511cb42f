import type { Document } from "mongodb";
import { describe, expect, test } from "vitest";
import { expectSilence, loud, PHONE, WORD } from "../../hostile/secrets.ts";
import { beforeIntent } from "../../support/before-intent.ts";
import { dashboardWorld, withImage, withVideo } from "../../support/dashboard.ts";
import { jumpingClock } from "../../support/jumping-clock.ts";
import { claimNew, openPass, openSender } from "../../support/sender.ts";
import { ago, createWorld, type World } from "../../support/world.ts";

const at = (path: string) => `https://files.example/${path}`;

/** A message with a picture that stands there. */
const picture = (path: string, fields: Document = {}): Document => ({
  content: "Look",
  media: { kind: "image", url: at(path) },
  ...fields,
});

const posts = (world: World) => world.waha.requests.filter(({ method }) => method === "POST");

test("a picture, a video, a voice message and a file go out once, in order and with their captions", async () => {
  const world = await createWorld();
  const all: Document[] = [
    picture("a.jpg", { content: "a picture" }),
    { content: "a video", media: { kind: "video", url: at("a.mp4"), mimetype: "video/mp4" } },
    { content: "", media: { kind: "voice", url: at("a.opus") } },
    { content: "a file", media: { kind: "file", url: at("a.pdf"), filename: "a.pdf" } },
    { content: "a text" },
  ];
  const ids = await world.insert(...all.map((each, n) => ({ ...each, scheduledAt: ago(30 - n) })));
  expect(await world.pass()).toMatchObject({ ok: true, sent: 5, more: false, errors: [] });
  expect(await world.pass()).toMatchObject({ claimed: 0 });
  expect(world.waha.ledger).toMatchObject([
    { kind: "image", text: "a picture", url: at("a.jpg") },
    { kind: "video", text: "a video", url: at("a.mp4"), mimetype: "video/mp4", asNote: false },
    { kind: "voice", text: "", url: at("a.opus") },
    { kind: "file", text: "a file", url: at("a.pdf"), filename: "a.pdf" },
    { kind: "text", text: "a text" },
  ]);
  for (const [n, id] of ids.entries())
    expect(await world.find(id)).toMatchObject({
      isSent: true,
      delivery: { state: "sent", waMessageId: world.waha.ledger[n]?.id, attempts: 1 },
    });
});

test("the dashboard's picture and video are posted as its own scheduler posts them", async () => {
  const world = await dashboardWorld();
  const campaign = await world.campaign(await world.session());
  const image = withImage(at("a.jpg"));
  await world.message(campaign, { content: "one", scheduledAt: ago(20), ...image });
  await world.message(campaign, { content: "both", ...image, ...withVideo(at("a.mp4")) });
  expect(await world.pass()).toMatchObject({ ok: true, sent: 2 });
  expect(world.waha.ledger).toMatchObject([
    { kind: "image", text: "one", url: at("a.jpg"), mimetype: "image/jpeg", filename: "image.jpg" },
    { kind: "video", text: "both", url: at("a.mp4"), mimetype: "video/mp4", filename: "video.mp4" },
  ]);
  expect(world.waha.ledger[1]).toMatchObject({ convert: true, asNote: false });
});

describe("a message whose file is edited between its claim and its intent is not posted", () => {
  /** Edits the one message when it is claimed, and has no intent yet. */
  async function editClaimed(world: World, update: Document): Promise<void> {
    await beforeIntent(world, () => world.messages.updateOne({}, update));
    expect(await world.pass()).toMatchObject({ sent: 0, released: 1, errors: [{ code: "message_changed" }] });
    expect(posts(world)).toEqual([]);
  }

  const media = { kind: "image", url: at("a.jpg"), mimetype: "image/jpeg", filename: "a.jpg" };
  const EDITS: [name: string, update: Document, sent: Document][] = [
    ["its address", { $set: { "media.url": at("b.jpg") } }, { kind: "image", url: at("b.jpg") }],
    ["its kind", { $set: { "media.kind": "file" } }, { kind: "file", url: at("a.jpg") }],
    ["its type", { $set: { "media.mimetype": "image/png" } }, { mimetype: "image/png" }],
    ["its name", { $unset: { "media.filename": "" } }, { kind: "image" }],
    ["its caption", { $set: { content: "Read" } }, { text: "Read" }],
    ["all of it, which makes it a text", { $unset: { media: "" } }, { kind: "text", text: "Look" }],
  ];

  test.each(EDITS)("%s", async (_name, update, sent) => {
    const world = await createWorld();
    await world.insert({ content: "Look", media });
    await editClaimed(world, update);
    expect(await world.pass()).toMatchObject({ ok: true, sent: 1 });
    expect(world.waha.ledger).toMatchObject([sent]);
  });

  test("a file that is added to a text", async () => {
    const world = await createWorld();
    await world.insert({ content: "Look" });
    await editClaimed(world, { $set: { media } });
    await world.pass();
    expect(world.waha.ledger).toMatchObject([media]);
  });

  test.each([
    ["the address", { videoUrl: at("b.mp4") }, { kind: "video", url: at("b.mp4") }],
    ["the boolean beside it", { hasVideo: false }, { kind: "image", url: at("a.jpg") }],
  ])("%s, in fields that are mapped", async (_name, $set, sent) => {
    const world = await dashboardWorld();
    const both = { ...withImage(at("a.jpg")), ...withVideo(at("a.mp4")) };
    await world.message(await world.campaign(await world.session()), both);
    await editClaimed(world, { $set });
    expect(await world.pass()).toMatchObject({ sent: 1 });
    expect(world.waha.ledger).toMatchObject([sent]);
  });
});

describe("a file that", () => {
  test.each(["404/a.jpg", "403", "gone"])(
    "is at /%s fails its message at once, and the session goes on",
    async (path) => {
      const world = await createWorld();
      const [id] = await world.insert(picture(path, { scheduledAt: ago(20) }), { content: "next" });
      expect(await world.pass()).toMatchObject({
        ok: false,
        sent: 1,
        failed: 1,
        released: 0,
        errors: [{ code: "media_not_loaded", count: 1, message: expect.stringMatching(/\(HTTP 4\d\d\)$/) }],
      });
      expect(await world.find(id)).toMatchObject({
        isSent: false,
        isPicked: true,
        delivery: { state: "failed", attempts: 1, error: { code: "media_not_loaded" } },
      });
      await world.pass();
      expect(posts(world)).toHaveLength(2);
      expect(world.waha.ledger).toMatchObject([{ text: "next" }]);
    },
  );

  test.each([
    ["500", "NOWEB", "HTTP 500"],
    ["unknown-host", "NOWEB", "getaddrinfo ENOTFOUND"],
    ["refused", "GOWS", "connect ECONNREFUSED"],
    ["not-uploaded", "GOWS", "upload"],
  ] as const)(
    "is at /%s on %s puts its message off, and the session goes on",
    async (path, engine, detail) => {
      const world = await createWorld({ engine });
      const [id] = await world.insert(picture(path, { scheduledAt: ago(20) }), { content: "next" });
      expect(await world.pass()).toMatchObject({
        ok: false,
        sent: 1,
        released: 1,
        more: true,
        errors: [{ code: "media_unavailable", count: 1, message: expect.stringContaining(`(${detail})`) }],
      });
      expect(await world.find(id)).toMatchObject({
        isSent: false,
        isPicked: false,
        delivery: { state: "released", attempts: 1, error: { code: "media_unavailable" } },
      });
      expect((await world.find(id)).delivery).not.toHaveProperty("nextLookupAt");
      expect(world.waha.ledger).toMatchObject([{ text: "next" }]);
      await world.messages.updateOne({ _id: id as never }, { $set: { "media.url": at("a.jpg") } });
      expect(await world.pass()).toMatchObject({ ok: true, sent: 1, more: false });
    },
  );

  test("WEBJS reports as missing proves nothing: its message is unknown, and the session goes on", async () => {
    const world = await createWorld({ engine: "WEBJS" });
    const [id, next] = await world.insert(picture("404", { scheduledAt: ago(20) }), {});
    expect(await world.pass()).toMatchObject({ sent: 1, unknown: 1, released: 0 });
    expect(await world.find(id)).toMatchObject({
      delivery: { state: "unknown", error: { code: "waha_error" } },
    });
    expect(await world.find(next)).toMatchObject({ isSent: true });
  });

  test("is on a session whose own engine is another is judged by that engine", async () => {
    const sessions = [{ name: "default" }, { name: "own", engine: "GOWS" } as const];
    const world = await createWorld({ engine: "WEBJS", sessions });
    const [byServer, own] = await world.insert(picture("404"), picture("404", { sessionId: "own" }));
    await world.pass();
    expect(await world.find(byServer)).toMatchObject({ delivery: { state: "unknown" } });
    expect(await world.find(own)).toMatchObject({ delivery: { error: { code: "media_not_loaded" } } });
  });
});

test("an old Core fails what has a file, says what to do, and sends the texts", async () => {
  const world = await createWorld({ tier: "CORE", version: "2026.5.1" });
  const [id] = await world.insert(picture("a.jpg", { scheduledAt: ago(20) }), { content: "a text" });
  const errors = [{ code: "waha_plus_only", count: 1, message: expect.stringContaining("Upgrade WAHA") }];
  expect(await world.pass()).toMatchObject({ sent: 1, failed: 1, released: 0, errors });
  expect(await world.find(id)).toMatchObject({ delivery: { state: "failed" } });
  expect(world.waha.ledger).toMatchObject([{ text: "a text" }]);
});

test("a message that WAHA refused for its file is not tried again by this pass, and is by the next", async () => {
  // In a pass of twelve seconds what was settled three seconds ago is due again.
  const settings = { PASS_SECONDS: "12", TAIL_SECONDS: "1", STAY_SECONDS: "5" };
  const world = await createWorld({}, settings);
  const [id] = await world.insert(picture("500"));
  const passing = world.pass();
  await expect.poll(async () => (await world.find(id)).delivery?.state).toBe("released");
  await world.insert({ content: "next" });
  expect(await passing).toMatchObject({ sent: 1, released: 1, more: true });
  expect(world.waha.requestCount({ route: "sendImage" })).toBe(1);
  world.env.STAY_SECONDS = "0";
  expect(await world.pass()).toMatchObject({ released: 1 });
  expect(world.waha.requestCount({ route: "sendImage" })).toBe(2);
});

describe("time", () => {
  /** What becomes of one message in a pass that began so many seconds ago, of the 60 that it has. */
  async function sendLate(fields: Document, begunSecondsAgo: number) {
    const world = await createWorld({}, { PASS_SECONDS: "60", TAIL_SECONDS: "10" });
    const pass = await openPass(world, begunSecondsAgo);
    const messages = await claimNew(world, pass, fields);
    const sender = openSender(pass);
    sender.give(messages, pass.clock.now());
    await sender.finished();
    return { world, id: messages[0]?._id, stopped: sender.stopped };
  }

  // Requests end after 58 seconds of the 60, and a file needs 30 of them.
  test("a file goes out while 30 seconds of the pass are left", async () => {
    const { world } = await sendLate(picture("a.jpg"), 20);
    expect(world.waha.ledger).toMatchObject([{ kind: "image" }]);
  });

  test("with less it is left for the next pass, unposted, and its session goes on", async () => {
    const { id, stopped, world } = await sendLate(picture("a.jpg"), 28.5);
    expect(stopped).toBeUndefined();
    expect(posts(world)).toEqual([]);
    expect(await world.find(id)).toMatchObject({
      isPicked: false,
      delivery: { state: "released", attempts: 0 },
    });
    expect(await world.pass()).toMatchObject({ sent: 1 });
  });

  test("in a pass that stays a late file keeps back no text behind it, and is claimed once", async () => {
    const world = await createWorld({}, { PASS_SECONDS: "60", TAIL_SECONDS: "10", STAY_SECONDS: "34" });
    const hostClock = jumpingClock();
    const passing = world.pass({ hostClock });
    await expect.poll(() => world.waha.requestCount({ route: "sessions" })).toBe(1);
    hostClock.jump(29_000);
    const [id] = await world.insert(picture("a.jpg"), { content: "a text", scheduledAt: ago(5) });
    expect(await passing).toMatchObject({ claimed: 2, sent: 1, released: 1, more: true });
    expect(world.waha.ledger).toMatchObject([{ text: "a text" }]);
    expect(await world.find(id)).toMatchObject({
      isPicked: false,
      delivery: { state: "released", attempts: 0, error: { code: "out_of_time" } },
    });
  });

  test("a text still goes out then", async () => {
    const { world } = await sendLate({ content: "Hello" }, 28.5);
    expect(world.waha.ledger).toMatchObject([{ kind: "text" }]);
  });

  test("the answer to a file is waited for as long as WAHA_MEDIA_TIMEOUT_MS says, to a text as WAHA_TIMEOUT_MS", async () => {
    const world = await createWorld(
      { sessions: [{ name: "file" }, { name: "text" }] },
      { WAHA_TIMEOUT_MS: "3000", WAHA_MEDIA_TIMEOUT_MS: "20000" },
    );
    world.waha.addFault({ match: { route: "sendImage" }, action: { type: "sendLate", ms: 5_000 } });
    world.waha.addFault({ match: { route: "sendText" }, action: { type: "sendLate", ms: 15_000 } });
    const [file, text] = await world.insert(picture("a.jpg", { sessionId: "file" }), { sessionId: "text" });
    expect(await world.pass()).toMatchObject({ sent: 1, errors: [{ code: "waha_timeout" }] });
    expect(await world.find(file)).toMatchObject({ isSent: true });
    expect(await world.find(text)).toMatchObject({ isSent: false, delivery: { state: "attempting" } });
  });

  test.each([
    ["40000", "10", picture("a.jpg"), 40],
    ["40000", "120", picture("a.jpg"), 120],
    // No POST outlives its pass, whatever the setting says.
    ["300000", "120", picture("a.jpg"), 120],
    ["40000", "10", { content: "Hello" }, 10],
  ])(
    "with WAHA_MEDIA_TIMEOUT_MS=%s and RECONCILE_AFTER_SECONDS=%s %j is looked up %i seconds after its attempt",
    async (WAHA_MEDIA_TIMEOUT_MS, RECONCILE_AFTER_SECONDS, fields, seconds) => {
      const world = await createWorld({}, { WAHA_MEDIA_TIMEOUT_MS, RECONCILE_AFTER_SECONDS });
      world.waha.addFault({ match: { textIncludes: "" }, times: 1, action: { type: "resetAfter" } });
      const [id] = await world.insert(fields);
      await world.pass();
      const { delivery } = await world.find(id);
      expect(delivery.state).toBe("attempting");
      expect(delivery.nextLookupAt.getTime() - delivery.attemptAt.getTime()).toBe(seconds * 1000);
    },
  );
});

test("a lost answer to a file is looked up, becomes sent, and is never posted again", async () => {
  const world = await createWorld();
  world.waha.addFault({ match: { route: "sendImage" }, times: 1, action: { type: "resetAfter" } });
  const [id] = await world.insert(picture("a.jpg"));
  expect(await world.pass()).toMatchObject({ sent: 0, errors: [{ code: "waha_connection_lost" }] });
  expect(await world.pass()).toMatchObject({ sent: 0, reconciled: 0 });
  await world.messages.updateOne({ _id: id as never }, { $set: { "delivery.nextLookupAt": ago(1) } });
  expect(await world.pass()).toMatchObject({ reconciled: 1 });
  expect(await world.find(id)).toMatchObject({ isSent: true, delivery: { state: "sent" } });
  expect(posts(world)).toHaveLength(1);
  expect(world.waha.ledger).toHaveLength(1);
});

test("an address and a caption are in no line, no answer and no reason, whatever becomes of the file", async () => {
  const paths = ["", "404/", "500/", "unknown-host/", "not-uploaded/"];
  const sessions = [...paths.keys(), "wrong", "voice"].map((n) => ({ name: `s${n}` }));
  const world = await createWorld({ engine: "GOWS", sessions });
  const files = paths.map((path, n) => picture(`${path}${WORD}?${WORD}`, { sessionId: `s${n}` }));
  const all: Document[] = [
    ...files,
    { sessionId: "swrong", media: { kind: WORD, url: `ftp://${WORD}`, filename: { name: WORD } } },
    { sessionId: "svoice", media: { kind: "voice", url: at(WORD) } },
  ];
  await world.insert(...all.map((each, n) => ({ ...each, content: WORD, chatId: `${PHONE}${n}@c.us` })));
  const looked = await loud(world, {}, "?dryRun=true");
  const called = await loud(world);
  expect(JSON.parse(called.body)).toMatchObject({ sent: 1, failed: 3, released: 3 });
  const shown = looked.output + called.output + looked.body + called.body;
  expectSilence(world, shown);
  expect(shown).not.toContain("files.example");
  for (const { delivery } of await world.messages.find({ isSent: false }).toArray())
    expect(JSON.stringify(delivery.error)).not.toMatch(new RegExp(`${WORD}|files.example`));
}, 60_000);
