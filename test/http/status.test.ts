import { describe, expect, onTestFinished, test, vi } from "vitest";
import { handleCron } from "../../lib/http/cron.ts";
import { handleStatus } from "../../lib/http/status.ts";
import { resendHint } from "../../lib/monitoring/status/resend-hint.ts";
import { PROBLEMS, type ProblemCode } from "../../lib/problems.ts";
import { readOptions } from "../../ops/resend/options.ts";
import { askStatus, basic, readPage, readStatus } from "../support/status.ts";
import { ago, createWorld, SECRET, WAHA_KEY, type World } from "../support/world.ts";

const LOOKING = "a-secret-to-look-by";
const HTML = { accept: "text/html,application/xhtml+xml" };

test("fifty who ask at once share one look, and who asks later gets another", async () => {
  const world = await createWorld();
  const headers = { authorization: `Bearer ${SECRET}` };
  const ask = () => handleStatus(new Request("http://localhost/api/status", { headers }), world.env);
  const answers = await Promise.all(Array.from({ length: 50 }, async () => (await ask()).text()));
  expect(new Set(answers).size).toBe(1);
  expect(world.waha.requests.length).toBeLessThan(5);
  vi.spyOn(performance, "now").mockReturnValue(performance.now() + 2_000);
  onTestFinished(() => void vi.restoreAllMocks());
  expect(await (await ask()).text()).not.toBe(answers[0]);
});

describe("who may see it", () => {
  test.each([
    ["the secret as a token", `Bearer ${SECRET}`, 200],
    ["the secret as a password", basic(SECRET), 200],
    ["the secret as a password, under another name", basic(SECRET, "bob"), 200],
    ["the secret as a password, under no name", basic(SECRET, ""), 200],
    ["a wrong token", "Bearer another-secret-altogether", 401],
    ["a wrong password", basic("another-secret-altogether"), 401],
    ["the secret as the name", basic("", SECRET), 401],
    ["the secret with more behind it", basic(`${SECRET}x`), 401],
    ["no password at all", `Basic ${Buffer.from(SECRET).toString("base64")}`, 401],
    ["the secret in the clear", `Basic ${SECRET}`, 401],
    ["nothing", "", 401],
  ])("%s", async (_name, authorization, status) => {
    const world = await createWorld();
    expect((await askStatus(world, { authorization })).status).toBe(status);
    expect((await askStatus(world, { authorization, ...HTML })).status).toBe(status);
  });

  test("STATUS_SECRET opens the page and its JSON, beside CRON_SECRET, and starts no pass", async () => {
    const world = await createWorld({}, { STATUS_SECRET: LOOKING });
    for (const secret of [LOOKING, SECRET])
      for (const authorization of [`Bearer ${secret}`, basic(secret)])
        expect((await askStatus(world, { authorization })).status).toBe(200);
    expect((await askStatus(world, { authorization: `Bearer ${LOOKING}x` })).status).toBe(401);
    for (const query of ["", "?dryRun=true"]) {
      const headers = { authorization: `Bearer ${LOOKING}` };
      const request = new Request(`http://localhost/api/cron${query}`, { headers });
      expect((await handleCron(request, world.env)).status).toBe(401);
    }
  });

  test("a STATUS_SECRET that may not be one opens nothing; where another setting is wrong it is told which", async () => {
    const world = await createWorld({}, { STATUS_SECRET: "short" });
    expect((await askStatus(world, { authorization: "Bearer short" })).status).toBe(401);
    expect(await (await askStatus(world)).json()).toMatchObject({ errors: [{ setting: "STATUS_SECRET" }] });
    Object.assign(world.env, { STATUS_SECRET: LOOKING, SEND_GAP_MS: "soon" });
    const wrong = await askStatus(world, { authorization: `Bearer ${LOOKING}` });
    expect(await wrong.json()).toMatchObject({ errors: [{ setting: "SEND_GAP_MS" }] });
  });

  test("a browser is asked for a password, a program for a token", async () => {
    const world = await createWorld();
    const browser = await askStatus(world, { authorization: "", ...HTML });
    expect(browser.headers.get("www-authenticate")).toBe('Basic realm="waha-scheduler"');
    expect(await browser.text()).not.toContain("http-equiv");
    const program = await askStatus(world, { authorization: "" });
    expect(program.headers.get("www-authenticate")).toBe("Bearer");
    expect(await program.json()).toEqual({ error: "unauthorized" });
  });

  test("a password that a browser sends along by itself starts no pass", async () => {
    const world = await createWorld();
    const request = new Request("http://localhost/api/cron", { headers: { authorization: basic(SECRET) } });
    expect((await handleCron(request, world.env)).status).toBe(401);
  });

  test("only GET is answered, and wrong settings are named to those who know the secret", async () => {
    const world = await createWorld();
    expect((await askStatus(world, {}, "POST")).status).toBe(405);
    world.env.SEND_GAP_MS = "soon";
    const wrong = await askStatus(world);
    expect(wrong.status).toBe(500);
    expect(await wrong.json()).toMatchObject({ errors: [{ code: "setting_wrong", setting: "SEND_GAP_MS" }] });
    expect((await askStatus(world, { authorization: "" })).status).toBe(401);
  });
});

/** A world in which names hold what a browser would run, and messages what may not be shown. */
async function hostileWorld(): Promise<World> {
  const world = await createWorld({
    sessions: [{ name: "default" }, { name: "<img src=x>", status: "FAILED" }],
  });
  const { insertedId: campaignId } = await world.campaigns.insertOne({
    name: "<script>alert(1)</script>",
    status: '"><b>',
    delivery: { open: true, rev: 1 },
  });
  await world.insert(
    { campaignId, chatId: "491709998887@c.us", content: "a private word" },
    { campaignId, chatId: "+49 170 999 8887", content: "a private word" },
    { campaignId, scheduledAt: ago(-600), content: "a private word" },
  );
  await world.pass();
  return world;
}

describe("the page", () => {
  test("shows names as they are, and runs nothing of them", async () => {
    const page = await readPage(await hostileWorld());
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).toContain("&lt;img src=x&gt;");
    expect(page).not.toMatch(/<script|<img|"><b>| style=| on\w+=/i);
  });

  test("forbids the browser whatever it does not need, and is kept nowhere", async () => {
    const { headers } = await askStatus(await createWorld(), HTML);
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-[^']+';/);
    expect(headers.get("content-security-policy")).not.toContain("unsafe");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
  });

  test("asks for itself again, and tells problems with their remedy and the command to send again", async () => {
    const page = await readPage(await hostileWorld());
    expect(page).toContain('<meta http-equiv="refresh" content="10">');
    expect(page).toContain("invalid_message");
    expect(page).toContain("Correct it.");
    expect(page).toContain("npm run resend -- --state failed,missed --code invalid_message --since 1d");
  });

  test("says that WAHA is away in the words of a pass, and that the database is", async () => {
    const world = await createWorld();
    await world.pass();
    await world.waha.pause();
    expect(await readPage(world)).toContain("<h1>WAHA can&#39;t be reached: nothing is sent</h1>");
    world.env.DATABASE_URL = "mongodb://127.0.0.1:9/app?serverSelectionTimeoutMS=200";
    const away = await askStatus(world, HTML);
    expect(away.status).toBe(503);
    expect(await away.text()).toContain("<h1>The database can&#39;t be reached</h1>");
  });
});

test("neither form holds a text, a chat, the key or the secret", async () => {
  const world = await hostileWorld();
  for (const told of [await readPage(world), JSON.stringify(await readStatus(world))])
    for (const secret of ["private word", "99988", "999 8", WAHA_KEY, SECRET])
      expect(told).not.toContain(secret);
});

test("every command to send again is one that resend understands", () => {
  const hints = (Object.keys(PROBLEMS) as ProblemCode[]).flatMap((code) => resendHint(code) ?? []);
  expect(hints.length).toBeGreaterThan(20);
  for (const { command } of hints) {
    const [, args = ""] = command.split("npm run resend -- ");
    expect(readOptions(args.split(" "))).toMatchObject({ since: 86_400 });
  }
});
