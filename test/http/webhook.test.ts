import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { backgroundDone } from "../../lib/async.ts";
import { isSigned } from "../../lib/http/signature.ts";
import vercel from "../../vercel.json" with { type: "json" };
import { holds } from "../hostile/seeds.ts";
import { recordCommands } from "../support/commands.ts";
import { startHost } from "../support/host.ts";
import { logged } from "../support/log.ts";
import { startFunction } from "../support/platform.ts";
import { eventBody, postWebhook, signed, WEBHOOK_KEY } from "../support/webhooks.ts";
import { ago, createWorld, type World } from "../support/world.ts";

const SETTINGS = { WAHA_WEBHOOK_KEY: WEBHOOK_KEY };
const MEGABYTE = 1024 * 1024;

/** A world in which a message was sent whose receipts are awaited, and its raw id. */
async function sentWorld(): Promise<{ world: World; raw: string }> {
  const world = await createWorld({}, SETTINGS);
  await world.insert({});
  await world.pass();
  return { world, raw: world.waha.ledger[0]?.id ?? "" };
}

const receipts = async ({ messages }: World) => messages.distinct("delivery.receipt");

test("the signature is the one that WAHA's own documentation gives for its example", () => {
  const body = Buffer.from('{"event":"message","session":"default","engine":"WEBJS"}');
  const digest =
    "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89";
  expect(isSigned(body, Buffer.from(digest, "hex"), "my-secret-key")).toBe(true);
  expect(isSigned(body, Buffer.from(digest, "hex"), "my-secret-kez")).toBe(false);
  expect(isSigned(Buffer.from(`${body} `), Buffer.from(digest, "hex"), "my-secret-key")).toBe(false);
});

test("without WAHA_WEBHOOK_KEY the path is closed, also to what is signed with nothing", async () => {
  const { world, raw } = await sentWorld();
  for (const key of [undefined, "", "  "]) {
    world.env.WAHA_WEBHOOK_KEY = key;
    for (const signedWith of ["", "undefined", WEBHOOK_KEY]) {
      const body = eventBody(raw);
      expect((await postWebhook(world, body, signed(body, signedWith))).status).toBe(404);
    }
  }
  expect(await receipts(world)).toEqual([]);
});

describe("who is let in", () => {
  const body = eventBody("RAW");
  const { "x-webhook-hmac": hmac = "" } = signed(body);
  test.each<[name: string, headers: Record<string, string>, status: number]>([
    ["a right signature", signed(body), 200],
    ["one in upper case", { "x-webhook-hmac": hmac.toUpperCase() }, 200],
    ["no signature", {}, 401],
    ["an empty one", { "x-webhook-hmac": "" }, 401],
    ["one of another body", signed(`${body} `), 401],
    ["one with another key", signed(body, `${WEBHOOK_KEY}x`), 401],
    ["half of one", { "x-webhook-hmac": hmac.slice(0, 64) }, 401],
    ["one with more behind it", { "x-webhook-hmac": `${hmac}00` }, 401],
    ["one that is no hex", { "x-webhook-hmac": hmac.replace(/./, "g") }, 401],
    ["another algorithm", { ...signed(body), "x-webhook-hmac-algorithm": "sha256" }, 401],
    ["the cron's secret", { authorization: `Bearer ${WEBHOOK_KEY}` }, 401],
  ])("%s", async (_name, headers, status) => {
    const world = await createWorld({}, SETTINGS);
    expect((await postWebhook(world, body, headers)).status).toBe(status);
  });

  test("only POST is answered", async () => {
    const world = await createWorld({}, SETTINGS);
    expect((await postWebhook(world, "", signed(""), "GET")).status).toBe(405);
  });
});

test("a key that may not be one lets nothing in; other wrong settings are named to WAHA alone", async () => {
  const { world, raw } = await sentWorld();
  const body = eventBody(raw);
  world.env.WAHA_WEBHOOK_KEY = "short";
  const short = await postWebhook(world, body, signed(body, "short"));
  expect([short.status, await short.json()]).toMatchObject([
    500,
    { errors: [{ setting: "WAHA_WEBHOOK_KEY" }] },
  ]);
  Object.assign(world.env, SETTINGS, { SEND_GAP_MS: "soon" });
  expect(await (await postWebhook(world, body)).json()).toMatchObject({
    errors: [{ setting: "SEND_GAP_MS" }],
  });
  expect((await postWebhook(world, body, {})).status).toBe(401);
  expect(await receipts(world)).toEqual([]);
});

test("a body up to a megabyte is read, and a longer one is not, whatever it says of its length", async () => {
  const { world, raw } = await sentWorld();
  const padded = (length: number) => eventBody(raw).padEnd(length);
  for (const headers of [{}, { "content-length": "12" }]) {
    const tooLong = padded(MEGABYTE + 1);
    expect((await postWebhook(world, tooLong, { ...signed(tooLong), ...headers })).status).toBe(413);
  }
  expect(await receipts(world)).toEqual([]);
  // What announces too much is not read at all.
  const body = eventBody(raw);
  const announced = { ...signed(body), "content-length": String(MEGABYTE + 1) };
  expect((await postWebhook(world, body, announced)).status).toBe(413);
  expect(await receipts(world)).toEqual([]);
  expect((await postWebhook(world, padded(MEGABYTE))).status).toBe(200);
  expect(await receipts(world)).toEqual(["delivered"]);
});

test("where the database is away it is 503, so that WAHA comes again", async () => {
  const world = await createWorld({}, SETTINGS);
  world.env.DATABASE_URL = "mongodb://127.0.0.1:9/app?serverSelectionTimeoutMS=200";
  const response = await postWebhook(world, eventBody("RAW"));
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { errors: [{ code: "database_unreachable" }] },
  ]);
});

test("of many that fail as the database is away ten a minute have a line each, and the others are counted", async () => {
  const world = await createWorld({}, { ...SETTINGS, LOG_LEVEL: "error" });
  world.env.DATABASE_URL = "mongodb://127.0.0.1:9/app?serverSelectionTimeoutMS=200";
  const clock = vi.spyOn(performance, "now");
  onTestFinished(() => void vi.restoreAllMocks());
  const day = 24 * 3_600_000;
  const lines = await logged(async () => {
    for (const [count, at] of [
      [30, day],
      [1, day + 60_000],
    ] as const) {
      clock.mockReturnValue(at);
      await Promise.all(Array.from({ length: count }, () => postWebhook(world, eventBody("RAW"))));
    }
  });
  expect(lines.filter(({ code }) => code === "database_unreachable")).toHaveLength(11);
  expect(lines.filter(({ count }) => count === 20)).toHaveLength(1);
});

test("where a validation rule turns a receipt away it is 200, as coming again would not help", async () => {
  const { world, raw } = await sentWorld();
  const validator = { "delivery.receipt": { $exists: false } };
  // Its pass may still build indexes: until they are there, a collection can't be changed.
  await backgroundDone();
  await world.db.command({ collMod: "messages", validator });
  expect((await postWebhook(world, eventBody(raw))).status).toBe(200);
  expect(await receipts(world)).toEqual([]);
});

test("a delivery that its app has made a list of is left as it is", async () => {
  const world = await createWorld({}, SETTINGS);
  const delivery = { state: "sent", session: "default", waMessageId: "RAW", receiptsUntil: ago(-1000) };
  const [id] = await world.insert({ delivery: [delivery] });
  const before = await world.find(id);
  expect((await postWebhook(world, eventBody("RAW"))).status).toBe(200);
  expect(await world.find(id)).toEqual(before);
});

test("what is signed and makes no sense, or is of nobody here, is 200, and asks nothing of the database", async () => {
  const world = await createWorld({}, SETTINGS);
  const commands = recordCommands(world);
  const own = JSON.parse(eventBody("RAW"));
  const bodies = [
    "",
    "no json",
    "[]",
    "null",
    '{"event":"message.ack"}',
    eventBody("RAW", { event: "session.status" }),
    eventBody("RAW", { event: "message" }),
    eventBody("RAW", { fromMe: false }),
    eventBody("RAW", { id: "false_49170@c.us_RAW" }),
    eventBody("RAW", { id: "true_" }),
    eventBody("RAW", { id: `true_49170@c.us_${"x".repeat(600)}` }),
    eventBody("RAW", { ack: 0 }),
    eventBody("RAW", { ack: 7 }),
    JSON.stringify({ ...own, session: { $ne: null } }),
    JSON.stringify({ ...own, payload: { ...own.payload, id: { $ne: null } } }),
    JSON.stringify({ ...own, payload: { ...own.payload, ack: { $gt: 0 } } }),
  ];
  for (const body of bodies) expect([body, (await postWebhook(world, body)).status]).toEqual([body, 200]);
  expect(commands).toEqual([]);
});

test("ten thousand generated bodies and headers: no 500, and nothing written for an unsigned one", async () => {
  const { world, raw } = await sentWorld();
  const before = await world.messages.find().toArray();
  const text = fc.string({ unit: "binary", maxLength: 40 });
  const body = fc.oneof(
    text,
    fc.json(),
    fc.constantFrom(eventBody(raw), eventBody(raw, { ack: -1 }), eventBody("OTHER")),
    fc
      .record({
        event: fc.constantFrom("message.any", "message.ack"),
        session: fc.anything(),
        payload: fc.anything(),
      })
      .map((event) => JSON.stringify({ ...event, engine: "GOWS" }) ?? ""),
  );
  const hex = fc.string({
    unit: fc.constantFrom(..."0123456789abcdefABCDEF"),
    minLength: 120,
    maxLength: 136,
  });
  const digest = fc.oneof(
    hex,
    hex.map((digits) => digits.padEnd(128, "0").slice(0, 128)),
    fc.string(),
  );
  const headers = fc.record(
    {
      "x-webhook-hmac": digest,
      "x-webhook-hmac-algorithm": fc.constantFrom("sha512", "SHA512", "sha256", "none", ""),
      "x-webhook-timestamp": fc.string(),
      "content-length": fc.constantFrom("0", "-1", "1e9", "x"),
    },
    { requiredKeys: [] },
  );
  const seen = new Map<number, number>();
  await holds(fc.tuple(body, headers), 5_000, async ([given, generated]) => {
    const sendable = Object.entries(generated).filter(([, value]) => /^[\x21-\x7e]*$/.test(value));
    const { status } = await postWebhook(world, given, Object.fromEntries(sendable));
    expect(status).toBeOneOf([401, 413]);
    seen.set(status, (seen.get(status) ?? 0) + 1);
  });
  expect([...seen.values()].reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(10_000);
  expect(await world.messages.find().toArray()).toEqual(before);
  const signedBody = body.filter((given) => !given.includes(raw));
  // Several at once, as an event waits for those that share its request.
  await holds(fc.array(signedBody, { minLength: 100, maxLength: 100 }), 5, async (all) => {
    const answers = await Promise.all(all.map((given) => postWebhook(world, given)));
    expect(answers.map(({ status }) => status)).toEqual(all.map(() => 200));
  });
  expect(await world.messages.find().toArray()).toEqual(before);
});

test("as the platform runs it, and as a server of one's own does", async () => {
  const { world, raw } = await sentWorld();
  const body = eventBody(raw);
  const url = await startFunction(world.env, "api/waha.ts");
  expect((await fetch(url, { method: "POST", body })).status).toBe(401);
  expect((await fetch(url)).status).toBe(405);
  expect((await fetch(url, { method: "POST", body, headers: signed(body) })).status).toBe(200);
  expect(await receipts(world)).toEqual(["delivered"]);
  expect(vercel.functions["api/waha.ts"].maxDuration).toBeGreaterThan(10);
  const host = await startHost({ ...SETTINGS, TICK_SECONDS: "60" });
  const post = (headers: Record<string, string>, content = body) =>
    host.ask("/api/waha", { method: "POST", body: content, headers });
  expect((await post({})).status).toBe(401);
  expect((await post(signed(body))).status).toBe(200);
  const long = body.padEnd(MEGABYTE + 1);
  expect((await post(signed(long), long)).status).toBe(413);
});
