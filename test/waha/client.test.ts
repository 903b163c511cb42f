import { describe, expect, test } from "vitest";
import type { Engine } from "../../dev/waha-simulator/options.ts";
import type { UnavailableError } from "../../lib/errors.ts";
import type { Waha } from "../../lib/waha/client.ts";
import { newMessageId, takesMessageIds } from "../../lib/waha/message-ids.ts";
import { clientAt, LIMIT_MS, startWaha } from "../support/waha-client.ts";

/** For what never answers. */
const SOON_MS = 400;

const listed = async (waha: Waha) => [...(await waha.listSessions(LIMIT_MS)).values()];

/** The error that there is instead of a list of sessions. */
const noList = (waha: Waha, limitMs = LIMIT_MS): Promise<UnavailableError> =>
  waha.listSessions(limitMs).then(
    () => Promise.reject(new Error("there is a list")),
    (error) => error,
  );

describe("the sessions", () => {
  test("are listed whatever their status, with an engine of their own where they have one", async () => {
    const { waha } = await startWaha({
      sessions: [
        { name: "works" },
        { name: "stopped", status: "STOPPED" },
        { name: "new", status: "A_WORD_OF_TOMORROW" },
        { name: "other", engine: "GOWS" },
      ],
    });
    expect(await listed(waha)).toEqual([
      { name: "works", status: "WORKING", engine: undefined },
      { name: "stopped", status: "STOPPED", engine: undefined },
      { name: "new", status: "A_WORD_OF_TOMORROW", engine: undefined },
      { name: "other", status: "WORKING", engine: "GOWS" },
    ]);
  });

  test("are read from a list with odd entries, which are left out", async () => {
    const { server, waha } = await startWaha();
    const body = [
      null,
      3,
      "default",
      [],
      {},
      { name: "no-status" },
      { name: "", status: "WORKING" },
      { name: 7, status: "WORKING" },
      { name: "null-engine", status: "WORKING", engine: null },
      { name: "odd-engine", status: "WORKING", engine: "GOWS" },
      { name: "own-engine", status: "WORKING", engine: { engine: "GOWS", more: 1 }, config: 7 },
    ];
    server.addFault({ match: { route: "sessions" }, action: { type: "status", status: 200, body } });
    expect(await listed(waha)).toEqual([
      { name: "null-engine", status: "WORKING", engine: undefined },
      { name: "odd-engine", status: "WORKING", engine: undefined },
      { name: "own-engine", status: "WORKING", engine: "GOWS" },
    ]);
  });

  test("may be none", async () => {
    const { waha } = await startWaha({ sessions: [] });
    expect(await listed(waha)).toEqual([]);
  });

  const NOT_WAHA: [name: string, status: number, body: object | string][] = [
    ["a page", 200, "<html>Welcome to nginx!</html>"],
    ["nothing", 200, ""],
    ["an object", 200, { sessions: [] }],
    ["null in JSON", 200, "null"],
    ["cut-off JSON", 200, '[{"name":"default"'],
    ["a list of another status", 201, []],
    ["404", 404, { statusCode: 404, message: "Cannot GET /api/sessions?all=true" }],
    ["404 in the words for a session", 404, { message: "We didn't find a session with name 'x'" }],
    ["400", 400, { statusCode: 400, message: "Bad Request" }],
    ["500", 500, { statusCode: 500 }],
    ["502", 502, "<html>Bad Gateway</html>"],
  ];

  test.each(NOT_WAHA)(
    "are not there when %s is answered (%i): that is no WAHA",
    async (_name, status, body) => {
      const { server, waha } = await startWaha();
      server.addFault({ match: { route: "sessions" }, action: { type: "status", status, body } });
      const error = await noList(waha);
      expect(error).toMatchObject({ name: "UnavailableError", code: "waha_bad_answer" });
      expect(error.message).toContain(`(HTTP ${status})`);
    },
  );

  test("are not there when the key is refused", async () => {
    const { server } = await startWaha();
    for (const waha of [clientAt(server.url, "another-key"), clientAt(server.url, "")])
      expect(await noList(waha)).toMatchObject({ code: "waha_key_refused" });
  });

  test.each(["resetBefore", "resetAfter", "hangBefore"] as const)(
    "are not there after a %s",
    async (type) => {
      const { server, waha } = await startWaha();
      server.addFault({ match: { route: "sessions" }, action: { type } });
      expect(await noList(waha, SOON_MS)).toMatchObject({ code: "waha_unreachable" });
      expect(server.requestCount()).toBe(1);
    },
  );

  test("are not there when nothing listens", async () => {
    const { server, waha } = await startWaha();
    await server.pause();
    const error = await noList(waha);
    expect(error).toMatchObject({ code: "waha_unreachable" });
    expect(error.message).not.toContain("127.0.0.1");
  });
});

describe("the server's version", () => {
  test.each(["NOWEB", "GOWS", "WEBJS"] as Engine[])("comes with its engine, %s", async (engine) => {
    const { waha } = await startWaha({ engine, version: "2026.5.1" });
    expect(await waha.readServer(LIMIT_MS)).toEqual({ version: "2026.5.1", engine, tier: "PLUS" });
  });

  test("is unknown on an old server, after an error and in an odd answer", async () => {
    const { server, waha } = await startWaha({ legacyVersionPath: true });
    expect(await waha.readServer(LIMIT_MS)).toBeUndefined();
    const version = { route: "version" } as const;
    server.addFault({ match: version, action: { type: "resetBefore" }, times: 1 });
    expect(await waha.readServer(LIMIT_MS)).toBeUndefined();
    for (const body of [{}, [], { version: 2026, engine: "GOWS" }, { version: "2026.5.1" }, "<html>"]) {
      server.addFault({ match: version, action: { type: "status", status: 200, body }, times: 1 });
      expect(await waha.readServer(LIMIT_MS)).toBeUndefined();
    }
  });
});

test("the key goes in its header, and without a key none is sent", async () => {
  const { server, waha } = await startWaha();
  expect(await listed(waha)).toHaveLength(1);
  server.setApiKey(undefined);
  expect(await listed(clientAt(server.url, ""))).toHaveLength(1);
});

test("WAHA is found below a path", async () => {
  const { server } = await startWaha();
  for (const base of [`${server.url}/waha`, `${server.url}/waha/`]) await noList(clientAt(base));
  expect(server.requests.map((request) => request.path)).toEqual([
    "/waha/api/sessions",
    "/waha/api/sessions",
  ]);
});

/** Names that would lead a request elsewhere if they stood in its path as they are. */
const ODD_NAMES = ["a b", "a/b", "a?b=c", "a#b", "100%", "a%2Fb", "ümläut 👋", "a\\b", "a;b=c", "a&b", "a+b"];

test.each(ODD_NAMES)(
  "the session %j is percent-encoded in a path, and reaches WAHA as it is",
  async (name) => {
    const { server, waha } = await startWaha({ sessions: [{ name }] });
    const chatId = `${name}@c.us`;
    const sent = await waha.send({ session: name, chatId, content: "Hello", id: "ABC123" }, LIMIT_MS);
    expect(sent).toMatchObject({ kind: "sent", waMessageId: "ABC123" });
    expect(await waha.lookUp(name, chatId, "ABC123", LIMIT_MS)).toBe("found");
    const at = encodeURIComponent;
    expect(server.requests.map((request) => request.path)).toEqual([
      "/api/sendText",
      `/api/${at(name)}/chats/${at(chatId)}/messages/ABC123`,
    ]);
  },
);

const SINCE: [version: string, takes: boolean][] = [
  ["2024.10.8", false],
  ["2025.12.31", false],
  ["2026.3.99", false],
  ["2026.4.2", false],
  ["2026.4.3", true],
  ["2026.4.10", true],
  ["2026.4.3-rc1", true],
  ["2026.5.1", true],
  ["2026.10.1", true],
  ["2027.1.1", true],
  ["2026.4", false],
  ["2027", true],
  ["latest", false],
  ["", false],
];

test.each(SINCE)("version %j takes message ids: %s", (version, takes) => {
  expect(takesMessageIds({ version, engine: "NOWEB" }, { name: "a", status: "WORKING" })).toBe(takes);
});

const ENGINES: [server: string, own: string | undefined, takes: boolean][] = [
  ["NOWEB", undefined, true],
  ["GOWS", undefined, true],
  ["WEBJS", undefined, false],
  ["VENOM", undefined, false],
  ["WEBJS", "NOWEB", true],
  ["WEBJS", "GOWS", true],
  ["NOWEB", "WEBJS", false],
];

test.each(ENGINES)("a server of %s takes ids on a session of engine %s: %s", (engine, own, takes) => {
  const session = { name: "a", status: "WORKING", engine: own };
  expect(takesMessageIds({ version: "2026.4.3", engine }, session)).toBe(takes);
});

test("a message id is of the form that GOWS and NOWEB give theirs, and each is another", () => {
  const ids = Array.from({ length: 1_000 }, newMessageId);
  for (const id of ids) expect(id).toMatch(/^3EB0[0-9A-F]{18}$/);
  expect(new Set(ids).size).toBe(ids.length);
});

test("a server of unknown version takes no message ids", () => {
  expect(takesMessageIds(undefined, { name: "a", status: "WORKING", engine: "GOWS" })).toBe(false);
});

test("a list of sessions too large to be one is not read to its end", async () => {
  const { server, waha } = await startWaha();
  const session = { name: "x".repeat(200), status: "WORKING" };
  const body = Array.from({ length: 50_000 }, () => session);
  server.addFault({ match: { route: "sessions" }, action: { type: "status", status: 200, body } });
  await expect(waha.listSessions(5_000)).rejects.toMatchObject({ code: "waha_bad_answer" });
});
