import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { BODILESS, MAX_BYTES } from "./proof.ts";
import type { Answer } from "./raw-server.ts";

/** Stands in every answer where nothing of it is meant to be shown, as the echo of a text would. */
export const ECHO = "WORDS-OF-AN-ANSWER";

/** Words that mean something in an answer, near misses among them. */
const words = fc.constantFrom(
  ...[
    "Unauthorized",
    "We didn't find a session with name 'x'",
    "Session status is not as expected. Try again",
  ],
  ...["WAHA Core support only 'default' session.", `${ECHO}: We didn't find a session`, "Message not found"],
  ...["Cannot GET /api/x", "2 UNKNOWN: server returned error 463", "server returned error 479", ECHO, ""],
  ...["2 UNKNOWN: no LID found for 4917@s.whatsapp.net", "13 INTERNAL: server returned error 429"],
  ...[`2 UNKNOWN: ${ECHO}: no LID found for 4917`, "no LID found for 4917", "Forbidden resource"],
  ...[
    "Cannot POST /api/sendText",
    "2 UNKNOWN: server returned error 4790",
    " Session status is not as expected",
    "we didn't find a session",
  ],
);

const anyThing = fc.oneof(
  { weight: 3, arbitrary: words },
  fc.constantFrom(null, true, 0, -1, {}, [], [ECHO], { message: ECHO, id: 7 }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** The id that a message was given, as an answer may put it, and what is none. */
export const ID = "3EB0GIVEN";
const anyId = fc.oneof(
  fc.constantFrom(ID, `true_4917@c.us_${ID}`, { id: ID }, "3EB0OTHER", "", "a_b", "x".repeat(600)),
  anyThing,
);

const exception = fc.record({ message: anyThing, stack: anyThing }, { requiredKeys: [] });

/** A body with parts that WAHA's own have, each of any kind. */
const likeWaha = fc.record(
  {
    ...{
      error: anyThing,
      message: anyThing,
      exception: fc.oneof(exception, anyThing),
      request: fc.constant(ECHO),
    },
    ...{ id: anyId, key: fc.oneof(fc.record({ id: anyId }), anyThing), ack: fc.constantFrom(-1, 0, 3, "-1") },
    ...{ version: anyThing, engine: anyThing, name: anyThing, status: anyThing },
  },
  { requiredKeys: [] },
);

const json = fc.oneof(
  { weight: 4, arbitrary: likeWaha },
  fc.array(likeWaha, { maxLength: 3 }),
  fc.jsonValue(),
);

/** About as much as is read of an answer, and far more. */
const LARGE = [100_000, MAX_BYTES - 2_000, MAX_BYTES, 9_000_000];

const body: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: json.map((value) => JSON.stringify(value)) },
  json.map((value) => JSON.stringify(value).slice(0, -1)),
  json.map((value) => gzipSync(JSON.stringify(value))),
  fc.string({ unit: "binary" }),
  fc.uint8Array(),
  fc.constantFrom("", "null", "[".repeat(50_000), `<html>${ECHO}</html>`),
);

const large = fc
  .tuple(likeWaha, fc.constantFrom(...LARGE))
  .map(([value, length]) => JSON.stringify({ ...value, padding: ECHO.padEnd(length, " ") }));

const TYPES = ["application/json", "text/html; charset=utf-16", "text/event-stream", "image/png", "x", ""];
const place = fc.constantFrom(
  ...["", "/login", "::", `http://elsewhere.test:81/?${ECHO}`, `https://${ECHO}:b@elsewhere.test/${ECHO}`],
  ...[`data:${ECHO}`, `/${ECHO}`, `https://${"x".repeat(9999)}`],
);

const headers = fc.record(
  {
    "content-type": fc.constantFrom(...TYPES),
    "content-encoding": fc.constantFrom("gzip", "br", "identity", "x"),
    location: place,
    "retry-after": fc.constant("0"),
    connection: fc.constant("close"),
  },
  { requiredKeys: [] },
);

const STATUSES = [
  200, 201, 202, 204, 205, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 407, 409, 413, 421, 422,
  429,
];

const anyHttp: fc.Arbitrary<Answer> = fc
  .record({
    status: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...STATUSES, 500, 500, 501, 502, 503, 504) },
      fc.integer({ min: 200, max: 999 }),
    ),
    headers,
    body: fc.oneof({ weight: 50, arbitrary: body }, large),
    isCut: fc.nat(9).map((n) => n === 0),
  })
  .map((answer) => ({ ...answer, isCut: answer.isCut && !BODILESS.includes(answer.status) }));

/** Answers of WAHA's own, with whatever else may be beside what matters in them. */
const OWN: [status: number, body: object][] = [
  [200, { id: ID }],
  [200, { id: `true_4917@c.us_${ID}`, ack: -1 }],
  [200, { version: "2026.7.1", engine: "GOWS" }],
  [400, { message: ECHO, error: ECHO }],
  [401, { message: `Unauthorized: ${ECHO}` }],
  [404, { message: `We didn't find a session with name '${ECHO}'` }],
  [404, { message: "Message not found" }],
  [404, { message: "Cannot GET /api/x" }],
  [422, { error: `Session status is not as expected: ${ECHO}` }],
  [422, { message: "WAHA Core support only 'default' session." }],
  [500, { exception: { message: "2 UNKNOWN: server returned error 463", stack: ECHO } }],
  [500, { exception: { message: `server returned error 479 ${ECHO}` } }],
];
const own = fc
  .tuple(likeWaha, fc.constantFrom(...OWN))
  .map(([beside, [status, body]]): Answer => ({ status, body: JSON.stringify({ ...beside, ...body }) }));

const redirect = fc
  .tuple(fc.constantFrom(301, 302, 307, 308), place)
  .map(([status, location]): Answer => ({ status, headers: { location } }));

/** Any answer that HTTP allows. */
export const anyAnswer = fc.oneof(
  { weight: 16, arbitrary: anyHttp },
  { weight: 4, arbitrary: own },
  redirect,
);
