import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { PROBLEMS } from "../../lib/problems.ts";
import { ago, createWorld, endLeases, type World } from "../support/world.ts";
import { anyAnswer, ECHO, ID } from "./answers.ts";
import { proof } from "./proof.ts";
import { type Answer, type RawAnswer, type RawRequest, startRawServer } from "./raw-server.ts";
import { holds } from "./seeds.ts";

/** As long as a session's name may be, and of characters that are six times as long in JSON. */
const NAMES = Array.from({ length: 12 }, (_, n) => `session-${n}`.padEnd(500, "\u0001"));
const STATUSES = ["WORKING", "WORKING", "WORKING", "STOPPED", "\u0001".repeat(10_000)];

/** What WAHA answers in the course of some passes; whatever it is asked often it answers in turn. */
interface Script {
  sessions: RawAnswer[];
  version: RawAnswer[];
  sendText: RawAnswer[];
  messages: RawAnswer[];
}

const answered = (body: unknown): Answer => ({ status: 200, body: JSON.stringify(body) });

const list = fc
  .tuple(
    fc.tuple(
      ...NAMES.map((name) => fc.record({ name: fc.constant(name), status: fc.constantFrom(...STATUSES) })),
    ),
    fc.array(fc.oneof(fc.jsonValue(), fc.record({ name: fc.constantFrom("", null, ECHO.repeat(50)) })), {
      maxLength: 3,
    }),
  )
  .map(([sessions, more]) => answered([...sessions, ...more]));

const inTurn = (usual: fc.Arbitrary<RawAnswer>, weight: number) =>
  fc.array(fc.oneof({ weight, arbitrary: usual }, anyAnswer, fc.constant("reset" as const)), {
    minLength: 1,
    maxLength: 6,
  });

const script: fc.Arbitrary<Script> = fc.record({
  sessions: inTurn(list, 8),
  version: inTurn(fc.constant(answered({ version: "2026.7.1", engine: "GOWS" })), 4),
  sendText: inTurn(
    fc
      .constantFrom(201, 201, 200, 404, 422, 429, 500, 502)
      .map((status) => ({ ...answered({ id: ID, error: ECHO }), status })),
    2,
  ),
  messages: inTurn(fc.constant(answered({ id: ID, body: ECHO })), 1),
});

/** The function's answers as docs/api.md promises them. */
const problems = z.array(
  z.strictObject({
    code: z.enum(Object.keys(PROBLEMS)),
    message: z.string(),
    count: z.int().positive(),
  }),
);
const count = z.int().nonnegative();
const summary = z.strictObject({
  ...{ passId: z.uuid(), startedAt: z.iso.datetime(), durationMs: count, ok: z.boolean(), more: z.boolean() },
  ...{ claimed: count, sent: count, released: count, failed: count, missed: count, unknown: count },
  ...{ rescued: count, reconciled: count, campaignsCompleted: count, errors: problems },
  latenessMs: z.strictObject({ p50: z.number().nullable(), max: z.number().nullable() }),
  waiting: z.strictObject({ lease: count, pause: count, turn: count, waha: count }),
});
const preview = z.strictObject({
  ...{ dryRun: z.literal(true), at: z.iso.datetime(), due: count, onHold: count, errors: problems },
  sendable: z.array(z.strictObject({ session: z.string(), due: count, oldest: z.iso.datetime().nullable() })),
  forecast: z.array(
    z.strictObject({
      fate: z.enum(["sent", "failed", "missed", "waits", "left alone"]),
      code: z.enum(Object.keys(PROBLEMS)).nullable(),
      ...{ message: z.string(), details: z.array(z.string()).max(5), session: z.string().nullable() },
      ...{ count: count.positive(), more: z.boolean(), ids: z.array(z.string()).max(5) },
    }),
  ),
});
const failure = z.strictObject({ ok: z.literal(false), errors: problems.length(1) });

/**
 * At most four kinds of problems name sessions, each five of them, of 100 characters that are six bytes each in JSON;
 * the rest are fixed words.
 */
const SMALL = 16_000;

/** A look at what is due tells of each session, by its whole name, and of problems: as they are, and of what is foreseen. */
const SMALL_PREVIEW = 2 * (SMALL + JSON.stringify(NAMES).length);

async function expectAnswer(response: Response, promised: z.ZodType, limit: number): Promise<void> {
  const text = await response.text();
  expect(`${response.status} ${text.slice(0, 200)}`).toMatch(/^(200|503) \{/);
  expect(response.headers.get("content-type")).toContain("application/json");
  z.parse(response.status === 200 ? promised : z.union([summary, failure]), JSON.parse(text));
  expect(Buffer.byteLength(text)).toBeLessThan(limit);
  expect(text).not.toContain(ECHO);
}

/** An answer to the POST of a message, and the id that the message was given. */
interface Posted {
  answer: RawAnswer;
  id: string | undefined;
}

/** Tells after the passes what became of each text, and that nothing that WAHA said was kept with it. */
async function expectMessages(world: World, posts: Map<string, Posted[]>): Promise<void> {
  for (const { content, isSent, delivery } of await world.messages.find().toArray()) {
    const proofs = (posts.get(content) ?? []).map(({ answer, id }) => proof(answer, id));
    // Only what is proven unsent is ever posted again.
    expect(proofs.slice(0, -1).filter((each) => each !== "unsent")).toEqual([]);
    if (content !== "posted before") expect(isSent).toBe(proofs.includes("sent"));
    else expect(proofs).toEqual([]);
    expect(JSON.stringify(delivery?.error ?? null)).not.toContain(ECHO);
  }
  expect(JSON.stringify(await world.scheduler.find().toArray())).not.toContain(ECHO);
}

const attempt = {
  passId: "dead",
  claimedAt: ago(500),
  attempts: 1,
  attemptAt: ago(450),
  chatId: "49170@c.us",
};

test("whatever WAHA answers, the function's answer is short, as promised and its own, and nothing is posted twice", async () => {
  const world = await createWorld();
  let answer: (request: RawRequest) => RawAnswer = () => "reset";
  const waha = await startRawServer((request) => answer(request));
  world.env.WAHA_API_URL = waha.url;
  let posts = 0;
  await holds(script, 10, async (told) => {
    const posted = new Map<string, Posted[]>();
    let asked = 0;
    answer = ({ target, body }) => {
      const route = Object.keys(told).findLast((name) => target.includes(name)) as keyof Script;
      asked += 1;
      const given = told[route][asked % told[route].length] ?? "reset";
      const { id, text } = body ? JSON.parse(body) : {};
      if (text) posted.set(text, [...(posted.get(text) ?? []), { answer: given, id }]);
      return given;
    };
    await world.database.drop();
    const delivery = {
      ...attempt,
      state: "attempting",
      session: NAMES[0],
      waMessageId: ID,
      nextLookupAt: ago(1),
    };
    await world.insert({ content: "posted before", isPicked: true, delivery });
    await world.insert(...[...NAMES, ...NAMES].map((sessionId) => ({ sessionId })));
    for (let pass = 0; pass < 3; pass += 1) {
      await expectAnswer(await world.call(), summary, SMALL);
      await endLeases(world);
    }
    await expectAnswer(await world.call("?dryRun=true"), preview, SMALL_PREVIEW);
    await expectMessages(world, posted);
    posts += posted.size;
  });
  expect(posts).toBeGreaterThan(40);
}, 120_000);
