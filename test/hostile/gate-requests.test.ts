import { METHODS } from "node:http";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CRON_PATH } from "../../ops/server/settings.ts";
import { SECRET } from "../support/world.ts";
import { AUTHORIZED, head, LET_IN, startGate } from "./gate.ts";
import { holds } from "./seeds.ts";

test("no method but GET runs a pass, not even with the secret", async () => {
  const { world, ask } = await startGate();
  for (const method of [...METHODS.filter((each) => each !== "GET"), "get", "GETS", "G\0ET", "", "PASS"]) {
    const { status, body } = await ask(head(method, CRON_PATH, [AUTHORIZED]));
    expect([method, status]).toEqual([method, expect.toBeOneOf([0, 400, 405])]);
    expect(["", JSON.stringify({ error: "method not allowed" })]).toContain(body);
  }
  expect(world.waha.requests).toEqual([]);
});

test("no address lets anybody in without the secret", async () => {
  const { world, ask } = await startGate();
  const part = fc.constantFrom(
    ...["/", "//", "..", "%2e", "?", "&", "#", "\\", ";", "\t", "\0", "é", SECRET, "api/cron"],
  );
  const query = fc.constantFrom(
    `?authorization=Bearer%20${SECRET}`,
    `?token=${SECRET}&`,
    `?secret=${SECRET}`,
    "?",
  );
  const target = fc.oneof(
    fc.array(fc.oneof(part, fc.string({ maxLength: 3 }))).map((parts) => CRON_PATH + parts.join("")),
    fc.tuple(query, fc.string()).map((parts) => CRON_PATH + parts.join("")),
    fc.constantFrom(
      `http://:${SECRET}@localhost${CRON_PATH}`,
      `http://x${CRON_PATH}`,
      "*",
      CRON_PATH.slice(1),
    ),
  );
  await holds(target, 200, async (given) => {
    const { status, body } = await ask(head("GET", given));
    expect([given, status]).toEqual([given, expect.toBeOneOf([0, 400, 401, 404])]);
    expect(body.length).toBeLessThan(100);
  });
  expect(world.waha.requests).toEqual([]);
});

test("who asks for a dry run in any words gets one, or none, and never a real one", async () => {
  const { world, ask } = await startGate();
  const letters = fc.constantFrom("dryRun", "DRYRUN", "dryrun", "%64ryRun", "dry%52un", "dRy%72UN");
  // As often as all others together: of 60 requests some must get a dry run.
  const yes = fc.constantFrom("true", "tru%65");
  const word = fc.oneof(
    yes,
    fc.constantFrom("TRUE", "1", "yes", "", "true%20", "+true", "true%00", "tru%C3%A9"),
  );
  const pair = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(letters, word).map((parts) => parts.join("=")) },
    { weight: 1, arbitrary: letters },
  );
  const query = fc.tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.constantFrom("x", "=", "a=true"))),
    fc.array(pair, { minLength: 1, maxLength: 3 }),
  );
  const seen = new Set<number>();
  await holds(query, 60, async ([others, pairs]) => {
    const all = [...others, ...pairs].join("&");
    const { status, body } = await ask(head("GET", `${CRON_PATH}?${all}`, [AUTHORIZED]));
    const isPlain = others.length === 0 && pairs.every((each) => /=tru(e|%65)$/.test(each));
    expect([all, status]).toEqual([all, isPlain ? 200 : 400]);
    expect(JSON.parse(body)).toMatchObject(isPlain ? { dryRun: true, due: 1 } : LET_IN);
    seen.add(status);
  });
  expect(seen.size).toBe(2);
  expect(world.waha.ledger).toEqual([]);
});
