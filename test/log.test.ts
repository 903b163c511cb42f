import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MongoServerError } from "mongodb";
import { describe, expect, test } from "vitest";
import { describeError, openLog, writeLogTo } from "../lib/log.ts";
import { errorUrl } from "../lib/problems.ts";

/** What must never be read in a log: an address with its password, and a customer's words. */
const SECRET = "mongodb://bob:hunter2@db.example.net";
const shown = (error: unknown) => JSON.stringify(describeError(error));

test("what a terminal obeys, or what turns a line, is escaped; a program reads it as it was", async () => {
  const lines: string[] = [];
  writeLogTo({ write: (line) => void lines.push(line) });
  const name = "\u009b31m\u202eevil\u2066\u200b\ufeff\u007f";
  openLog("info").info({ name }, "x");
  expect(lines[0]).toMatch(/^[\x20-\x7e]+\n$/);
  expect(JSON.parse(lines[0] ?? "").name).toBe(name);
});

describe("a described error", () => {
  const ERRORS: [name: string, error: unknown][] = [
    ["a message", new Error(SECRET)],
    ["a message of several lines", new Error(`first\n${SECRET}\nthird`)],
    ["a line of the message that looks like a frame", new Error(`failed\n    at ${SECRET}`)],
    ["a cause's message", new Error("outer", { cause: new TypeError(SECRET) })],
    ["a cause that is a string", new Error("outer", { cause: SECRET })],
    ["a cause that is an object", new Error("outer", { cause: { url: SECRET } })],
    ["a field of its own", Object.assign(new Error("x"), { address: SECRET, request: { body: SECRET } })],
    ["the errors of an aggregate", new AggregateError([new Error(SECRET)], SECRET)],
    ["a code that is an object", Object.assign(new Error("x"), { code: { value: SECRET } })],
    ["the server's words", new MongoServerError({ message: SECRET, errmsg: SECRET, code: 121 })],
    ["a thrown string", SECRET],
    ["a thrown object", { message: SECRET }],
  ];

  test.each(ERRORS)("shows nothing of %s", (_name, error) => {
    expect(shown(error)).not.toContain("hunter2");
  });

  test("keeps the names and codes along its causes", () => {
    const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    const failed = new TypeError("fetch failed", { cause: refused });
    const server = Object.assign(new MongoServerError({ message: "no" }), { code: 13, cause: failed });
    expect(describeError(server)).toMatchObject({
      name: "MongoServerError",
      code: 13,
      cause: { name: "TypeError", cause: { name: "Error", code: "ECONNREFUSED" } },
    });
  });

  test("says where it arose, in a few frames", () => {
    const deep = (depth: number): Error => (depth === 0 ? new Error("x") : deep(depth - 1));
    const { at } = describeError(deep(20)) as { at: string[] };
    expect(at[0]).toContain("log.test.ts");
    expect(at.length).toBeLessThanOrEqual(6);
  });

  test.each([undefined, null, 7, "text"])("that is %j, and no error, is described by its type", (thrown) => {
    expect(describeError(thrown)).toEqual({ name: typeof thrown });
  });

  test("without a stack is described all the same", () => {
    const error = new Error("x");
    delete error.stack;
    expect(describeError(error)).toEqual({ name: "Error", at: [] });
  });
});

/** Runs `code` with a `log` of `level` in a process of its own, and gives the lines that it wrote, unparsed. */
async function rawLinesOf(level: string, code: string): Promise<string[]> {
  const lib = new URL("../lib/log.ts", import.meta.url).href;
  const script = `import { logOfPass, openLog } from ${JSON.stringify(lib)}; const log = openLog("${level}"); ${code}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  return stdout.split("\n").filter(Boolean);
}

async function linesOf(level: string, code: string): Promise<Record<string, unknown>[]> {
  return (await rawLinesOf(level, code)).map((line) => JSON.parse(line));
}

test("a log writes lines of JSON at once, from its level on, even if the process ends abruptly", async () => {
  const code = `log.debug({}, "hidden"); log.info({ count: 2 }, "shown"); log.warn({}, "last"); process.reallyExit(0);`;
  expect(await linesOf("info", code)).toEqual([
    { level: 30, time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), count: 2, msg: "shown" },
    { level: 40, time: expect.any(String), msg: "last" },
  ]);
});

test("a silent log writes nothing", async () => {
  expect(await linesOf("silent", `log.error({}, "hidden");`)).toEqual([]);
});

test("a field that by its name holds a secret or a text is redacted", async () => {
  const names = ["authorization", "content", "text", "body", "url", "key", "secret"];
  const fields = Object.fromEntries(names.map((name) => [name, "hunter2"]));
  const lines = await linesOf("info", `log.info(${JSON.stringify({ ...fields, request: fields })}, "x");`);
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain("hunter2");
});

test("a pass's log has the pass's id in every line, once, also where a call gives it again", async () => {
  const code = `const pass = logOfPass(log, "a"); pass.info({ passId: "a", sent: 1 }, "x"); pass.warn({}, "y"); log.info({}, "z");`;
  const lines = await rawLinesOf("info", code);
  expect(lines.map((line) => line.match(/"passId":"a"/g)?.length ?? 0)).toEqual([1, 1, 0]);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { sent: 1, msg: "x" },
    { msg: "y" },
    { msg: "z" },
  ]);
});

test("a pass's log redacts and names the page of a code as the others do", async () => {
  const fields = `{ code: "no_session", key: "hunter2", request: { url: "hunter2" } }`;
  const lines = await linesOf("info", `log.info(${fields}, "x"); logOfPass(log, "a").info(${fields}, "x");`);
  const shown = { code: "no_session", key: "[Redacted]", help: errorUrl("no_session") };
  expect(lines).toMatchObject([shown, { ...shown, passId: "a" }]);
  expect(JSON.stringify(lines)).not.toContain("hunter2");
});
