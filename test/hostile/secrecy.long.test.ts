import fc from "fast-check";
import { Binary } from "mongodb";
import { expect, test } from "vitest";
import { ago, createWorld, type World } from "../support/world.ts";
import { ID } from "./answers.ts";
import { type Answer, type RawAnswer, startRawServer } from "./raw-server.ts";
import { expectSilence, loud, PHONE, WORD } from "./secrets.ts";
import { holds } from "./seeds.ts";
import { tricky } from "./tricks.ts";

const json = (status: number, body: unknown): Answer => ({ status, body: JSON.stringify(body) });

/** Answers to a request that repeat the text that was in it. */
const ECHOES: ((text: string) => RawAnswer)[] = [
  (text) =>
    json(500, {
      exception: { message: text, stack: `Error: ${text}\n    at x (y:1:1)` },
      request: { body: { text } },
    }),
  (text) => json(500, { exception: { message: `${text} server returned error 479 ${text}` } }),
  (text) => json(500, { exception: { message: `server returned error 463: ${text}` } }),
  (text) => json(400, { message: [text], error: text }),
  (text) => json(401, { message: text }),
  (text) => json(404, { message: `We didn't find a session: ${text}` }),
  (text) => json(404, { message: text, error: text }),
  (text) => json(422, { error: `Session status is not as expected: ${text}`, session: text, status: text }),
  (text) => json(422, { message: `WAHA Core support only 'default' session. ${text}` }),
  (text) => json(201, { id: text, key: { id: text }, body: text }),
  (text) => json(201, { id: { id: text } }),
  (text) => json(200, { id: text, text }),
  (text) => ({ status: 503, headers: { "content-type": "text/html" }, body: `<html>${text}</html>` }),
  (text) => ({ status: 502, body: text, isCut: true }),
  () => ({
    status: 307,
    headers: { location: `https://${WORD}:${WORD}@elsewhere.test/${WORD}?${WORD}#${WORD}` },
  }),
  () => ({ status: 302, headers: { location: `//${WORD}/`, "x-echo": WORD } }),
  () => ({ status: 600, headers: { [WORD]: WORD } }),
  () => "reset",
];

const LIST = ECHOES.map((_, n) => `session-${n}`);

/** A WAHA that repeats whatever it can, differently on each session. */
async function startEcho(): Promise<{ url: string; posts(): number }> {
  const { url, requests } = await startRawServer(({ target, body }) => {
    if (target.includes("sessions?"))
      return json(
        200,
        LIST.map((name) => ({ name, status: "WORKING", me: WORD })),
      );
    if (target.includes("version")) return json(200, { version: "2026.7.1", engine: "GOWS", tier: WORD });
    const { session = target.split("/")[2], caption = WORD, text = caption } = body ? JSON.parse(body) : {};
    const n = LIST.indexOf(session);
    return ECHOES[n]?.(text) ?? "reset";
  });
  return { url, posts: () => requests.filter(({ method }) => method === "POST").length };
}

/** Texts with the word in them, first thing, last, or in between. */
const secretText = fc.tuple(tricky, tricky).map(([before, after]) => before + WORD + after);

/** What an app may keep where an id or a name belongs, with a text in it, of so many characters if it is a text. */
const hidden = (length: number): never[] =>
  [
    { text: WORD },
    { list: [WORD] },
    new Binary(Buffer.from(WORD)),
    WORD.padStart(length, "-"),
  ] as unknown[] as never[];

/** Files with the word in their addresses and names, some of which can't be sent. */
const FILES = [
  { kind: "image", url: `https://files.example.com/${WORD}.jpg?signature=${WORD}` },
  { kind: "file", url: `https://${WORD}:${WORD}@files.example.com/`, filename: WORD, mimetype: WORD },
  { kind: "video", url: `ftp://files.example.com/${WORD}` },
  { kind: WORD, url: WORD },
  { kind: "image", url: `https://files.example.com/404/${WORD}` },
];

/** Inserts what every answer has something to repeat of, and texts wherever else an app may put them. */
async function insertSecrets(world: World, contents: string[]): Promise<void> {
  // Of an id the first 100 characters are shown; what is far too long for a name is none.
  const [ids, names] = [hidden(400), hidden(2_000)];
  const chat = (n: number) => ({ chatId: `${PHONE}${n}@c.us` });
  const all = LIST.map((sessionId, n) => ({ ...chat(n), sessionId, content: contents[n] }));
  const attempt = { state: "attempting", passId: "dead", attemptAt: ago(900), waMessageId: ID };
  await world.campaigns.insertMany([
    ...ids.map((_id) => ({ _id, name: WORD, sessionId: LIST[1] })),
    ...names.map((name, n) => ({ _id: n as never, name, sessionId: name, status: name })),
  ]);
  await world.sessions.insertMany(names.map((name, n) => ({ _id: n as never, name })));
  const references = [
    ...ids.map((campaignId) => ({ campaignId })),
    ...names.flatMap((sessionId, n) => [{ sessionId }, { sessionId: n }, { campaignId: n }]),
  ];
  await world.insert(
    ...all,
    ...all.map(({ sessionId: session, chatId, content }) => {
      const delivery = { ...attempt, session, chatId, nextLookupAt: ago(1) };
      return { content, isPicked: true, delivery };
    }),
    ...all.map((each, n) => ({ ...each, media: FILES[n % FILES.length] })),
    ...all.map((each, n) => ({ ...each, chatId: `${PHONE}${contents[n]}` })),
    ...all.map((each, n) => ({ ...each, content: names[n % names.length] })),
    ...references.map((fields, n) => ({ ...chat(n), content: WORD, ...fields })),
    ...references.map((fields, n) => ({ ...chat(n), content: WORD, ...fields, scheduledAt: ago(300) })),
    ...ids.map((_id, n) => ({
      ...chat(n),
      _id,
      sessionId: LIST[9 + n],
      content: WORD,
      scheduledAt: ago(60),
    })),
  );
}

test("nothing of a text or a chat is printed or answered, whatever WAHA repeats and wherever an app puts it", async () => {
  const world = await createWorld({}, { SESSION_CONCURRENCY: "50" });
  const waha = await startEcho();
  world.env.WAHA_API_URL = waha.url;
  const texts = fc.array(secretText, { minLength: LIST.length, maxLength: LIST.length });
  await holds(texts, 1, async (contents) => {
    await world.database.drop();
    await insertSecrets(world, contents);
    const looked = await loud(world, {}, "?dryRun=true");
    const called = await loud(world);
    expect([looked.status, called.status]).toEqual([200, 200]);
    expectSilence(world, looked.output + called.output);
  });
  expect(waha.posts()).toBeGreaterThan(LIST.length);
}, 120_000);
