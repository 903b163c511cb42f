import fc from "fast-check";
import { expect, test } from "vitest";
import { UnavailableError } from "../../lib/errors.ts";
import { CHAT, clientAt, LIMIT_MS, send } from "../support/waha-client.ts";
import { anyAnswer, ECHO, ID } from "./answers.ts";
import { bytesOf, proof, said } from "./proof.ts";
import { type Answer, type RawAnswer, startRawServer } from "./raw-server.ts";
import { holds } from "./seeds.ts";

/** Any answer, or a connection that breaks before one. */
const anything: fc.Arbitrary<RawAnswer> = fc.oneof(
  { weight: 20, arbitrary: anyAnswer },
  fc.constant("reset" as const),
);

/** A client, and what tells it the same answer to whatever it asks. */
async function startClient() {
  let given: RawAnswer = "reset";
  const server = await startRawServer(() => given);
  return {
    waha: clientAt(server.url),
    requests: server.requests,
    answer: (answer: RawAnswer) => {
      given = answer;
      server.requests.length = 0;
    },
  };
}

/** That every kind was seen shows that the answers are as odd as they should be, and not odder. */
function expectAll(seen: Set<string>, kinds: string[]): void {
  expect([...seen].sort()).toEqual(kinds.sort());
}

test("an answer to a send proves what is listed as proof, and nothing else does", async () => {
  const { waha, requests, answer } = await startClient();
  const seen = new Set<string>();
  await holds(anything, 250, async (given) => {
    answer(given);
    const outcome = await send(waha, { id: ID });
    expect(outcome.kind).toBe(proof(given, ID));
    expect(requests).toHaveLength(1);
    const { waMessageId = "", ...shown } = outcome as typeof outcome & { waMessageId?: string };
    expect(waMessageId.length).toBeLessThanOrEqual(512);
    expect(JSON.stringify(shown)).not.toContain(ECHO);
    expect(JSON.stringify(shown).length).toBeLessThan(400);
    seen.add(outcome.kind);
  });
  expectAll(seen, ["sent", "unsent", "failed", "unproven"]);
});

test("an answer to a lookup is a find if it is the message, and an absence only in WAHA's own words", async () => {
  const { waha, requests, answer } = await startClient();
  const seen = new Set<string>();
  await holds(anything, 250, async (given) => {
    answer(given);
    const lookup = await waha.lookUp("default", CHAT, ID, LIMIT_MS);
    expect(requests).toHaveLength(1);
    seen.add(lookup);
    const body = given === "reset" ? undefined : said(given);
    const { status = 0 } = given as Partial<Answer>;
    if (lookup === "found" || lookup === "refused") {
      expect([status, idsIn(body).includes(ID)]).toEqual([200, true]);
      expect(lookup === "refused").toBe(body?.ack === -1);
    }
    expect(lookup === "absent").toBe(status === 404 && body?.message === "Message not found");
  });
  expectAll(seen, ["found", "refused", "absent", "unsupported", "unanswered"]);
});

/** The raw ids in a body, by all three forms that WAHA has for them. */
function idsIn(body: Record<string, unknown> | undefined): unknown[] {
  const { id, key } = (body ?? {}) as { id?: { id?: unknown }; key?: { id?: unknown } };
  return [id, typeof id === "string" ? (id as string).split("_")[2] : undefined, id?.id, key?.id];
}

const listed = fc.record(
  {
    name: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("a", "", "x".repeat(513), null, 7)),
    status: fc.oneof(fc.constantFrom("WORKING", ECHO.repeat(99), null, 7), fc.string({ unit: "binary" })),
    engine: fc.oneof(fc.jsonValue(), fc.record({ engine: fc.jsonValue() })),
  },
  { requiredKeys: [] },
);

/** Lists of sessions, of which parts are none. */
const anyList = fc
  .array(fc.oneof({ weight: 4, arbitrary: listed }, fc.jsonValue()))
  .map((list): Answer => ({ status: 200, body: JSON.stringify(list) }));

test("an answer to a look around is a list of what are sessions, a server's version, or that there is none", async () => {
  const { waha, answer } = await startClient();
  const seen = new Set<string>();
  await holds(fc.oneof(anything, anyList), 250, async (given) => {
    answer(given);
    const sessions = await waha.listSessions(LIMIT_MS).catch((error: unknown) => error);
    const server = await waha.readServer(LIMIT_MS);
    if (server) expect(said(given as Answer)).toMatchObject({ ...server });
    seen.add(server ? "server" : "no server");
    if (sessions instanceof Map) {
      seen.add("sessions");
      const list = JSON.parse(bytesOf(given as Answer).toString()) as { name: string }[];
      for (const { name, status } of sessions.values()) {
        expect(list).toContainEqual(expect.objectContaining({ name }));
        expect([name.length > 0 && name.length <= 512, status.length <= 64]).toEqual([true, true]);
      }
      return;
    }
    expect(sessions).toBeInstanceOf(UnavailableError);
    const { code, message } = sessions as UnavailableError;
    seen.add(code);
    expect(message).not.toContain(ECHO);
    expect(message.length).toBeLessThan(500);
  });
  const codes = ["waha_unreachable", "waha_bad_answer", "waha_key_refused", "waha_redirect"];
  expectAll(seen, ["sessions", "server", "no server", ...codes]);
});
