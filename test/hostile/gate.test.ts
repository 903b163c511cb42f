import fc from "fast-check";
import { expect, test } from "vitest";
import { SECRET } from "../support/world.ts";
import { type Answer, AUTHORIZED, head, LET_IN, NO_PASS, startGate } from "./gate.ts";
import { holds } from "./seeds.ts";

const blanks = fc.constantFrom(" ", " ", "  ", "", "\t", "\u00a0", " \t ", "\0");
const scheme = fc.constantFrom(
  "Bearer",
  "bearer",
  "BEARER",
  "Basic",
  "Bearers",
  "Bear er",
  "",
  "\u00dfearer",
);
const token = fc.oneof(
  { weight: 3, arbitrary: fc.constant(SECRET) },
  fc.constantFrom(SECRET.toUpperCase(), `"${SECRET}"`, `${SECRET},`, encodeURIComponent(`${SECRET} `), ""),
  fc.constantFrom(
    Buffer.from(SECRET).toString("base64"),
    SECRET.slice(1),
    `${SECRET}\u00e9`,
    SECRET.repeat(99),
  ),
  fc.nat(SECRET.length).map((at) => `${SECRET.slice(0, at)}%${SECRET.slice(at)}`),
  fc.string(),
  fc.uint8Array().map((bytes) =>
    Buffer.from(bytes)
      .toString("latin1")
      .replace(/[\r\n]/g, ""),
  ),
);
const value = fc.tuple(blanks, scheme, blanks, token, blanks).map((parts) => parts.join(""));

/** The one form of credentials: HTTP itself takes the blanks around a header's value away. */
const isExact = (given: string) =>
  /^[ \t]*bearer +/i.test(given) && given.replace(/^[ \t]*bearer +/i, "").replace(/[ \t]+$/, "") === SECRET;

const STRANGER = { error: "unauthorized" };

/** Node's parser turns a head away that is not HTTP, or too long, before the function is asked. */
const REFUSED_BY_HTTP = [0, 400, 431];

/** Asks for no pass with these headers and tells whether they let the caller in. */
async function letsIn(ask: (head: string) => Promise<Answer>, headers: string[]): Promise<boolean> {
  const { status, body } = await ask(head("GET", NO_PASS, headers));
  if (body === "") {
    expect(REFUSED_BY_HTTP).toContain(status);
    return false;
  }
  const error = JSON.parse(body);
  expect([
    [400, LET_IN],
    [401, STRANGER],
  ]).toContainEqual([status, error]);
  return status === 400;
}

test("only the exact credentials are let in, however they are written, and a stranger is told nothing", async () => {
  const { world, ask } = await startGate();
  const seen = new Set<boolean>();
  await holds(value, 300, async (given) => {
    const isIn = await letsIn(ask, [`aUTHORIZATION:${given}`]);
    expect(isIn).toBe(isExact(given));
    seen.add(isIn);
  });
  expect(seen.size).toBe(2);
  expect(world.waha.requests).toEqual([]);
});

test("the secret counts in no other header, and beside others only under its own name", async () => {
  const { world, ask } = await startGate();
  const name = fc.constantFrom(
    "Authorization",
    "authorization",
    "X-Authorization",
    "Proxy-Authorization",
    "Cookie",
  );
  const line = fc.oneof(
    fc.constant(AUTHORIZED),
    fc.tuple(name, fc.oneof(value, fc.constant(`Bearer ${SECRET}`))).map(([of, given]) => `${of}: ${given}`),
    fc.constantFrom(
      ` Bearer ${SECRET}`,
      `Authorization : Bearer ${SECRET}`,
      `Authorization\0: Bearer ${SECRET}`,
    ),
    fc.integer({ min: 9_000, max: 20_000 }).map((length) => `Authorization: Bearer ${"x".repeat(length)}`),
  );
  await holds(fc.array(line, { maxLength: 4 }), 200, async (lines) => {
    const own = lines.filter((each) => /^authorization:/i.test(each)).map((each) => each.slice(14));
    if (await letsIn(ask, lines)) expect(own.some(isExact)).toBe(true);
  });
  expect(world.waha.requests).toEqual([]);
});
