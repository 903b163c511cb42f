import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../test/support/ports.ts";
import type { FaultAction } from "./faults.ts";
import type { WahaSimulatorOptions } from "./options.ts";
import type { WahaSimulator } from "./server.ts";
import { startWahaSimulator } from "./server.ts";

const CHAT = "111@c.us";
const hello = { session: "default", chatId: CHAT, text: "hello" };

const running: WahaSimulator[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.stop()));
});

async function start(options: WahaSimulatorOptions = {}): Promise<WahaSimulator> {
  const simulator = await startWahaSimulator({ port: await freePort(), refusalDelayMs: 5, ...options });
  running.push(simulator);
  return simulator;
}

/** What the tests read of an answer, none of it in every answer. */
type Body = {
  /** An object on WEBJS. */
  id: unknown;
  body: string;
  key: { id: string };
  timestamp: unknown;
  messageTimestamp: unknown;
  message: string;
  status: string;
  exception: { message: string };
  request: { body: object };
};

async function bodyOf<Read = Body>(response: Response | Promise<Response>): Promise<Read> {
  return (await (await response).json()) as Read;
}

function post(url: string, body: object, init: RequestInit = {}): Promise<Response> {
  return fetch(url, {
    method: "POST",
    redirect: "manual",
    body: JSON.stringify(body),
    ...init,
    headers: { "Content-Type": "application/json", ...init.headers },
  });
}

function send({ url }: WahaSimulator, body: object = hello, init: RequestInit = {}): Promise<Response> {
  return post(`${url}/api/sendText`, body, init);
}

async function get<Read = Body>({ url }: { url: string }, path: string, init: RequestInit = {}) {
  const response = await fetch(`${url}${path}`, init);
  return { status: response.status, body: await bodyOf<Read>(response) };
}

/** A send that a fault meets. */
async function sendInto(action: FaultAction, options: WahaSimulatorOptions = {}) {
  const simulator = await start(options);
  simulator.addFault({ match: { route: "sendText" }, action, times: 1 });
  return { simulator, response: send(simulator) };
}

const messagesOf = (chatId = CHAT) => `/api/default/chats/${encodeURIComponent(chatId)}/messages`;

describe("the key", () => {
  test("is asked for everywhere but at /ping", async () => {
    const simulator = await start({ apiKey: "right" });
    expect((await get(simulator, "/ping")).status).toBe(200);
    expect((await get(simulator, "/api/sessions", { headers: { "X-Api-Key": "right" } })).status).toBe(200);
    const refused = await send(simulator, hello, { headers: { "X-Api-Key": "wrong" } });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toEqual({ statusCode: 401, message: "Unauthorized" });
    expect((await get(simulator, "/health")).status).toBe(401);
    expect(simulator.ledger).toEqual([]);
  });

  test("can be changed and taken away", async () => {
    const simulator = await start();
    simulator.setApiKey("new");
    expect((await get(simulator, "/api/sessions")).status).toBe(401);
    simulator.setApiKey(undefined);
    expect((await get(simulator, "/api/sessions")).status).toBe(200);
  });
});

describe("sendText's answer", () => {
  test("is the documented message on GOWS", async () => {
    const response = await send(await start({ engine: "GOWS" }), { ...hello, id: "GIVEN" });
    expect(response.status).toBe(201);
    expect(await bodyOf(response)).toMatchObject({ id: `true_${CHAT}_GIVEN`, timestamp: expect.any(Number) });
  });

  test("is in `key` on NOWEB, its timestamp a string or a number", async () => {
    const simulator = await start();
    const first = await bodyOf(send(simulator, { ...hello, id: "GIVEN" }));
    const second = await bodyOf(send(simulator));
    expect(first.key).toEqual({ remoteJid: "111@s.whatsapp.net", fromMe: true, id: "GIVEN" });
    expect(first).not.toHaveProperty("id");
    expect([typeof first.messageTimestamp, typeof second.messageTimestamp]).toEqual(["string", "number"]);
    expect(simulator.ledger[1]).toMatchObject({ id: second.key.id, text: "hello", chatId: CHAT });
  });

  test("is an object id on WEBJS", async () => {
    const simulator = await start({ engine: "WEBJS" });
    const { id, timestamp } = await bodyOf(send(simulator));
    const raw = simulator.ledger[0]?.id;
    expect(id).toEqual({ fromMe: true, remote: CHAT, id: raw, _serialized: `true_${CHAT}_${raw}` });
    expect(timestamp).toEqual(expect.any(Number));
  });

  test("is empty on WEBJS at times", async () => {
    const { simulator, response } = await sendInto({ type: "empty201" }, { engine: "WEBJS" });
    expect((await response).status).toBe(201);
    expect(await (await response).text()).toBe("");
    expect(simulator.acceptedCount({ chatId: CHAT })).toBe(1);
  });
});

describe("sendText's `id`", () => {
  test.each([
    { version: "2026.4.3", engine: "NOWEB", honoured: true },
    { version: "2026.10.1", engine: "GOWS", honoured: true },
    { version: "2026.4.2", engine: "GOWS", honoured: false },
    { version: "2024.10.8", engine: "NOWEB", honoured: false },
    { version: "2026.7.1", engine: "WEBJS", honoured: false },
  ] as const)("on $engine $version is honoured: $honoured", async ({ honoured, ...options }) => {
    const simulator = await start(options);
    expect((await send(simulator, { ...hello, id: "GIVEN" })).status).toBe(201);
    expect(simulator.ledger[0]?.givenId).toBe("GIVEN");
    expect(simulator.ledger[0]?.id === "GIVEN").toBe(honoured);
    expect((await get(simulator, "/api/default/new-message-id")).status === 200).toBe(honoured);
  });

  test("is sent again when it is repeated", async () => {
    const simulator = await start();
    await send(simulator, { ...hello, id: "REPEATED" });
    await send(simulator, { ...hello, id: "REPEATED" });
    expect(simulator.acceptedCount({ id: "REPEATED" })).toBe(2);
  });

  test("is made by new-message-id, which old servers lack and WEBJS does not implement", async () => {
    const path = "/api/default/new-message-id";
    expect((await get(await start(), path)).body).toEqual({
      id: expect.stringMatching(/^3EB0[0-9A-F]{18}$/),
    });
    expect((await get(await start({ version: "2026.3.9" }), path)).body.message).toBe(`Cannot GET ${path}`);
    expect((await get(await start({ engine: "WEBJS" }), path)).status).toBe(501);
  });
});

describe("sendText's refusals", () => {
  const sessions = [
    { name: "default" },
    { name: "stopped", status: "STOPPED" },
    { name: "scan", status: "SCAN_QR_CODE" },
  ];

  test.each(["unknown", "stopped", undefined])("session %s is not found", async (session) => {
    const response = await send(await start({ sessions }), { ...hello, session });
    expect(response.status).toBe(404);
    expect((await bodyOf(response)).message).toContain(`We didn't find a session with name '${session}'`);
  });

  test("a session that is not WORKING is a 422 of another shape, after the wait", async () => {
    const response = await send(await start({ sessions }), { ...hello, session: "scan" });
    expect(response.status).toBe(422);
    expect(await bodyOf(response)).toEqual({
      error: expect.stringContaining("Session status is not as expected"),
      session: "scan",
      status: "SCAN_QR_CODE",
      expected: ["WORKING"],
    });
  });

  test("a session that becomes WORKING during the wait sends", async () => {
    const simulator = await start({ sessions, refusalDelayMs: 60_000 });
    const response = send(simulator, { ...hello, session: "scan" });
    await simulator.received("sendText", 1);
    simulator.setSessionStatus("scan", "WORKING");
    expect((await response).status).toBe(201);
  });

  test("Core has the session default only", async () => {
    const simulator = await start({ sessions: [{ name: "default" }, { name: "second" }], tier: "CORE" });
    const response = await send(simulator, { ...hello, session: "second" });
    expect(response.status).toBe(422);
    expect((await bodyOf(response)).message).toContain("WAHA Core support only 'default' session");
    expect((await send(simulator)).status).toBe(201);
    expect((await send(simulator, { chatId: CHAT, text: "no session" })).status).toBe(404);
  });

  test.each([{ chatId: undefined }, { chatId: 111 }])("$chatId as chatId is an exception", async (wrong) => {
    const simulator = await start();
    const response = await send(simulator, { ...hello, ...wrong });
    expect(response.status).toBe(500);
    expect(await bodyOf(response)).toEqual({
      statusCode: 500,
      timestamp: expect.any(String),
      exception: { stack: expect.any(String), message: expect.any(String), name: "TypeError" },
      request: {
        path: "/api/sendText",
        method: "POST",
        body: { session: "default", text: "hello", ...wrong },
        query: {},
      },
      version: { version: "2026.7.1", engine: "NOWEB", tier: "PLUS", browser: null },
    });
    expect(simulator.ledger).toEqual([]);
  });

  test("a body that is no JSON is a 400", async () => {
    expect((await send(await start(), hello, { body: "{" })).status).toBe(400);
  });
});

describe("the server's own routes", () => {
  test("sessions leave STOPPED ones out unless all are asked for, and may carry their engine", async () => {
    const simulator = await start({
      sessions: [
        { name: "own", engine: "GOWS" },
        { name: "off", status: "STOPPED" },
      ],
    });
    const { body: some } = await get(simulator, "/api/sessions");
    const { body: all } = await get<object[]>(simulator, "/api/sessions?all=true");
    expect(some).toEqual([
      expect.objectContaining({ name: "own", status: "WORKING", engine: { engine: "GOWS" } }),
    ]);
    expect(all[1]).toMatchObject({ name: "off", status: "STOPPED" });
    expect(all[1]).not.toHaveProperty("engine");
    simulator.removeSession("own");
    simulator.addSession({ name: "added", status: "A_WORD_OF_TOMORROW" });
    const { body: now } = await get(simulator, "/api/sessions");
    expect(now).toEqual([expect.objectContaining({ name: "added", status: "A_WORD_OF_TOMORROW" })]);
  });

  test("the version is told at both paths, and at the old one only by old servers", async () => {
    const expected = { version: "2026.7.1", engine: "WEBJS", tier: "CORE", browser: "/usr/bin/chromium" };
    const current = await start({ engine: "WEBJS", tier: "CORE" });
    expect((await get(current, "/api/server/version")).body).toEqual(expected);
    expect((await get(current, "/api/version")).body).toEqual(expected);
    const old = await start({ legacyVersionPath: true });
    expect((await get(old, "/api/server/version")).status).toBe(404);
    expect((await get(old, "/api/version")).status).toBe(200);
  });

  test("health is for Plus only on old servers", async () => {
    expect((await get(await start({ tier: "CORE", version: "2024.10.8" }), "/health")).status).toBe(422);
    expect((await get(await start({ tier: "PLUS", version: "2024.10.8" }), "/health")).status).toBe(200);
    const simulator = await start({ tier: "CORE" });
    expect((await get(simulator, "/health")).body.status).toBe("ok");
    simulator.addFault({
      match: { route: "health" },
      action: { type: "status", status: 503, body: { status: "error" } },
    });
    expect((await get(simulator, "/health")).status).toBe(503);
  });

  test("any other path is NestJS's 404", async () => {
    const message = "Cannot GET /nowhere?x=1";
    const expected = { status: 404, body: { statusCode: 404, message, error: "Not Found" } };
    expect(await get(await start(), "/nowhere?x=1")).toEqual(expected);
  });
});

describe("lookups", () => {
  test("find a message by its raw and by its serialized id, PENDING on NOWEB", async () => {
    const simulator = await start();
    await send(simulator, { ...hello, id: "RAW" });
    const expected = { id: `true_${CHAT}_RAW`, body: "hello", fromMe: true, ack: 0, ackName: "PENDING" };
    for (const id of ["RAW", `true_${CHAT}_RAW`]) {
      const { status, body } = await get(simulator, `${messagesOf()}/${id}?downloadMedia=false`);
      expect(status).toBe(200);
      expect(body).toMatchObject(expected);
    }
    expect((await get(simulator, `${messagesOf("111@s.whatsapp.net")}/RAW`)).status).toBe(200);
  });

  test("tell an absent message from an absent route and from an absent store", async () => {
    const path = `${messagesOf("222@c.us")}/RAW?downloadMedia=false`;
    expect(await get(await start(), path)).toMatchObject({
      status: 404,
      body: { message: "Message not found" },
    });
    const old = await start({ lookup: false });
    expect(await get(old, path)).toMatchObject({ status: 404, body: { message: `Cannot GET ${path}` } });
    expect((await get(old, messagesOf())).status).toBe(200);
    const storeless = await start({ sessions: [{ name: "default", store: false }] });
    expect((await get(storeless, path)).status).toBe(400);
    expect((await get(storeless, messagesOf())).status).toBe(400);
  });

  test("list a chat's messages, newest first, within the filters", async () => {
    const simulator = await start({ engine: "GOWS" });
    for (const text of ["first", "second", "third"]) await send(simulator, { ...hello, text });
    await send(simulator, { ...hello, chatId: "222@c.us" });
    const texts = async (query: string) => {
      const { body } = await get<Body[]>(simulator, `${messagesOf()}?downloadMedia=false&${query}`);
      return body.map((message) => message.body);
    };
    const now = Math.floor(Date.now() / 1000);
    expect(await texts("limit=2&filter.fromMe=true")).toEqual(["third", "second"]);
    expect(await texts("limit=1&offset=1&sortOrder=asc")).toEqual(["second"]);
    expect(await texts(`limit=9&filter.timestamp.gte=${now - 60}`)).toHaveLength(3);
    expect(await texts(`limit=9&filter.timestamp.gte=${now + 60}`)).toEqual([]);
    expect(await texts(`limit=9&filter.timestamp.lte=${now - 60}`)).toEqual([]);
    expect(await texts("limit=9&filter.fromMe=false")).toEqual([]);
    expect(await texts("limit=9&filter.ack=SERVER")).toHaveLength(3);
    expect(await texts("limit=9&filter.ack=READ")).toEqual([]);
  });
});

describe("sending", () => {
  test("is one at a time within a session, in order of arrival", async () => {
    const simulator = await start();
    simulator.addFault({ match: { textIncludes: "first" }, action: { type: "sendLate", ms: 50 } });
    const sends = ["first", "second", "third"].map(async (text, before) => {
      await simulator.received("sendText", before);
      return send(simulator, { ...hello, text });
    });
    await Promise.all(sends);
    expect(simulator.ledger.map(({ text }) => text)).toEqual(["first", "second", "third"]);
    expect(simulator.ledger.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test("of one session does not wait for another", async () => {
    const simulator = await start({ sessions: [{ name: "default", latencyMs: 60_000 }, { name: "free" }] });
    const waiting = expect(send(simulator)).rejects.toThrow("fetch failed");
    await simulator.received("sendText", 1);
    expect((await send(simulator, { ...hello, session: "free" })).status).toBe(201);
    expect(simulator.ledger).toMatchObject([{ session: "free" }]);
    await simulator.stop();
    await waiting;
  });

  test("counts as concurrent what is neither answered nor given up", async () => {
    const simulator = await start();
    const remove = simulator.addFault({ match: {}, action: { type: "hangAfter" } });
    const hanging = [1, 2].map(async (count) => {
      await simulator.accepted(count - 1);
      return send(simulator);
    });
    const ends = hanging.map((each) => expect(each).rejects.toThrow("fetch failed"));
    await simulator.accepted(2);
    remove();
    await simulator.pause();
    await Promise.all(ends);
    await simulator.resume();
    await send(simulator);
    expect(simulator.ledger.map(({ concurrent }) => concurrent)).toEqual([1, 2, 1]);
  });

  test("one after the other is never concurrent", async () => {
    const simulator = await start();
    for (let sent = 0; sent < 20; sent += 1) await send(simulator);
    expect(simulator.acceptedCount({ concurrent: 1 })).toBe(20);
  });

  test("goes on after the client gave up", async () => {
    const simulator = await start({ latencyMs: 50 });
    const client = new AbortController();
    const response = send(simulator, hello, { signal: client.signal });
    await simulator.received("sendText", 1);
    client.abort();
    await expect(response).rejects.toThrow("aborted");
    expect(simulator.ledger).toEqual([]);
    await simulator.accepted(1);
    expect(simulator.acceptedCount({ text: "hello" })).toBe(1);
  });
});

describe("faults", () => {
  test.each([
    { type: "resetBefore", accepted: 0 },
    { type: "resetAfter", accepted: 1 },
  ] as const)("$type resets with $accepted accepted", async ({ type, accepted }) => {
    const { simulator, response } = await sendInto({ type });
    await expect(response).rejects.toThrow("fetch failed");
    expect(simulator.requestCount({ route: "sendText", status: "reset" })).toBe(1);
    expect(simulator.acceptedCount()).toBe(accepted);
  });

  test("resetMidAnswer lets the head through", async () => {
    const { simulator, response } = await sendInto({ type: "resetMidAnswer" });
    expect((await response).status).toBe(201);
    await expect((await response).text()).rejects.toThrow();
    expect(simulator.acceptedCount()).toBe(1);
  });

  test("hangBefore and hangAfter never answer, and only the latter sends", async () => {
    const simulator = await start();
    const client = new AbortController();
    const hang = (type: "hangBefore" | "hangAfter") => {
      simulator.addFault({ match: { textIncludes: type }, action: { type } });
      return send(simulator, { ...hello, text: type }, { signal: client.signal });
    };
    const responses = [hang("hangBefore"), hang("hangAfter")];
    await simulator.received("sendText", 2);
    await simulator.accepted(1);
    client.abort();
    for (const response of responses) await expect(response).rejects.toThrow("aborted");
    expect(simulator.requestCount({ status: "hang" })).toBe(2);
    expect(simulator.ledger.map(({ text }) => text)).toEqual(["hangAfter"]);
  });

  test("delay answers late what was accepted in time", async () => {
    const { simulator, response } = await sendInto({ type: "delay", ms: 50 });
    await simulator.accepted(1);
    expect(simulator.requests[0]).not.toHaveProperty("status");
    expect((await response).status).toBe(201);
    expect(simulator.requests[0]?.status).toBe(201);
  });

  test.each([1, undefined])("delay is over once its own fault is removed (times: %s)", async (times) => {
    const simulator = await start();
    // Longer than the test may take.
    const action = { type: "delay", ms: 600_000 } as const;
    const [remove] = ["one", "two"].map((textIncludes) =>
      simulator.addFault({ match: { textIncludes }, action, ...(times && { times }) }),
    );
    const client = new AbortController();
    const one = send(simulator, { ...hello, text: "one" });
    const two = send(simulator, { ...hello, text: "two" }, { signal: client.signal });
    await simulator.accepted(2);
    simulator.clearFaults();
    remove?.();
    expect((await one).status).toBe(201);
    expect(simulator.requestCount({ status: 201 })).toBe(1);
    client.abort();
    await expect(two).rejects.toThrow("aborted");
  });

  test("sendLate accepts late, whether or not the client is there", async () => {
    const { simulator, response } = await sendInto({ type: "sendLate", ms: 50 });
    await simulator.received("sendText", 1);
    const settled = expect(response).rejects.toThrow("fetch failed");
    await simulator.pause();
    await settled;
    await simulator.accepted(1);
  });

  test.each([
    { type: "error500Before", accepted: 0 },
    { type: "error500After", accepted: 1 },
  ] as const)("$type echoes the body with $accepted accepted", async ({ type, accepted }) => {
    const { simulator, response } = await sendInto({ type });
    expect((await response).status).toBe(500);
    expect((await bodyOf(response)).request.body).toEqual(hello);
    expect(simulator.acceptedCount()).toBe(accepted);
  });

  test("gowsRefusal passes on WhatsApp's code", async () => {
    const { simulator, response } = await sendInto({ type: "gowsRefusal", code: 463 }, { engine: "GOWS" });
    expect((await response).status).toBe(500);
    expect((await bodyOf(response)).exception.message).toContain("server returned error 463");
    expect(simulator.ledger).toEqual([]);
  });

  test("wrongId sends under another id than the one given", async () => {
    const simulator = await start();
    simulator.addFault({ match: {}, action: { type: "wrongId" } });
    const answer = await bodyOf(send(simulator, { ...hello, id: "GIVEN" }));
    expect(simulator.ledger[0]).toMatchObject({ givenId: "GIVEN", id: answer.key.id });
    expect(answer.key.id).not.toBe("GIVEN");
  });

  test("ackError and forget show in lookups only", async () => {
    const simulator = await start();
    for (const type of ["ackError", "forget"] as const) {
      simulator.addFault({ match: { textIncludes: type }, action: { type } });
      expect((await send(simulator, { ...hello, text: type, id: type.toUpperCase() })).status).toBe(201);
    }
    expect((await get(simulator, `${messagesOf()}/ACKERROR`)).body).toMatchObject({
      ack: -1,
      ackName: "ERROR",
    });
    expect((await get(simulator, `${messagesOf()}/FORGET`)).body.message).toBe("Message not found");
    expect((await get(simulator, messagesOf())).body).toHaveLength(1);
  });

  test.each([
    { status: 400, body: { statusCode: 400, message: "Bad Request" } },
    { status: 404, body: { statusCode: 404, error: { message: "ENOENT: no such file" } } },
    { status: 502, body: "<html>Bad Gateway</html>" },
    { status: 307, headers: { location: "https://elsewhere.example/" } },
    { status: 200, body: "garbage", headers: { "content-type": "application/json" } },
  ])("status $status is answered as given, nothing sent", async (given) => {
    const { simulator, response } = await sendInto({ type: "status", ...given });
    const { body = "", headers = {} } = given;
    const { status, headers: got } = await response;
    expect(status).toBe(given.status);
    expect(await (await response).text()).toBe(typeof body === "string" ? body : JSON.stringify(body));
    for (const [name, value] of Object.entries(headers)) expect(got.get(name)).toBe(value);
    expect(simulator.ledger).toEqual([]);
  });

  test("status can come after the send, and be very large", async () => {
    const { simulator, response } = await sendInto({
      type: "status",
      status: 201,
      bytes: 5_000_000,
      after: true,
    });
    expect((await (await response).arrayBuffer()).byteLength).toBe(5_000_000);
    expect(simulator.acceptedCount()).toBe(1);
  });

  test("a status after the send leaves what WAHA turns down as it is", async () => {
    const { simulator } = await sendInto({ type: "status", status: 201, after: true });
    const elsewhere = await send(simulator, { ...hello, session: "elsewhere" });
    expect(elsewhere.status).toBe(404);
    expect(simulator.acceptedCount()).toBe(1);
  });

  test("meet only what agrees with every field, only so many times, and can be taken away", async () => {
    const simulator = await start({ sessions: [{ name: "default" }, { name: "second" }] });
    const action = { type: "status", status: 418 } as const;
    simulator.addFault({ match: { session: "second", chatId: CHAT, textIncludes: "ell" }, times: 1, action });
    const toSecond = { ...hello, session: "second" };
    expect((await send(simulator, hello)).status).toBe(201);
    expect((await send(simulator, { ...toSecond, chatId: "222@c.us" })).status).toBe(201);
    expect((await send(simulator, { ...toSecond, text: "bye" })).status).toBe(201);
    expect((await send(simulator, toSecond)).status).toBe(418);
    expect((await send(simulator, toSecond)).status).toBe(201);
    const remove = simulator.addFault({ match: { route: "sessions" }, action });
    expect((await fetch(`${simulator.url}/api/sessions`)).status).toBe(418);
    remove();
    expect((await fetch(`${simulator.url}/api/sessions`)).status).toBe(200);
    simulator.addFault({ match: { route: "any" }, action });
    expect((await fetch(`${simulator.url}/ping`)).status).toBe(418);
    simulator.clearFaults();
    expect((await fetch(`${simulator.url}/ping`)).status).toBe(200);
  });
});

describe("the life of the server", () => {
  test("a pause refuses connections until it resumes at the same address", async () => {
    const simulator = await start();
    const { url } = simulator;
    await send(simulator);
    await simulator.pause();
    const refused = { cause: expect.objectContaining({ code: "ECONNREFUSED" }) };
    await expect(send(simulator)).rejects.toMatchObject(refused);
    await simulator.resume();
    expect(simulator.url).toBe(url);
    expect((await send(simulator)).status).toBe(201);
    expect(simulator.acceptedCount()).toBe(2);
  });

  test("a stop ends what hangs, what waits and what is being sent", async () => {
    const simulator = await start({ latencyMs: 60_000 });
    simulator.addFault({ match: { textIncludes: "hang" }, action: { type: "hangBefore" } });
    const responses = [send(simulator), send(simulator), send(simulator, { ...hello, text: "hang" })];
    const ends = [...responses, simulator.accepted(1)].map((each) => expect(each).rejects.toThrow());
    await simulator.received("sendText", 3);
    await simulator.stop();
    await Promise.all(ends);
    await expect(get(simulator, "/ping")).rejects.toThrow("fetch failed");
    expect(simulator.ledger).toEqual([]);
  });
});

describe("as a process", () => {
  test("it says where it is, is driven over HTTP without a key, and stops on SIGTERM", async () => {
    const options = JSON.stringify({ apiKey: "key", refusalDelayMs: 5 });
    const child = spawn(process.execPath, ["dev/waha-simulator/main.ts", "0", options]);
    onTestFinished(() => void child.kill("SIGKILL"));
    const exit = once(child, "exit");
    const [line] = await once(createInterface(child.stdout), "line");
    const { url } = JSON.parse(line);
    const operate = async (operation: object) => bodyOf(post(`${url}/__simulator`, operation));
    await operate({ op: "setApiKey", apiKey: null });
    const action = { type: "status", status: 502 };
    const { id } = await operate({ op: "addFault", fault: { match: { route: "sendText" }, action } });
    expect((await post(`${url}/api/sendText`, hello)).status).toBe(502);
    await operate({ op: "removeFault", id });
    await operate({ op: "addFault", fault: { match: {}, action } });
    await operate({ op: "clearFaults" });
    await operate({ op: "addSession", session: { name: "second" } });
    await operate({ op: "setSessionStatus", name: "second", status: "FAILED" });
    await operate({ op: "removeSession", name: "default" });
    expect((await get({ url }, "/api/sessions")).body).toMatchObject([{ name: "second", status: "FAILED" }]);
    await operate({ op: "setSessionStatus", name: "second", status: "WORKING" });
    expect((await post(`${url}/api/sendText`, { ...hello, session: "second" })).status).toBe(201);
    expect((await get({ url }, "/__simulator/ledger")).body).toMatchObject([{ seq: 1, text: "hello" }]);
    expect((await get({ url }, "/__simulator/requests")).body).toHaveLength(3);
    expect((await post(`${url}/__simulator`, { op: "unheard-of" })).status).toBe(400);
    // A send under way would keep the process alive, if its timer outlived the stop.
    await operate({ op: "addFault", fault: { match: {}, action: { type: "sendLate", ms: 60_000 } } });
    const sends = expect(post(`${url}/api/sendText`, { ...hello, session: "second" })).rejects.toThrow();
    await expect.poll(async () => (await get({ url }, "/__simulator/requests")).body).toHaveLength(4);
    child.kill("SIGTERM");
    await sends;
    expect(await exit).toEqual([0, null]);
  });

  test("a pause asked for over HTTP ends by itself", async () => {
    const simulator = await start();
    await post(`${simulator.url}/__simulator`, { op: "pause", ms: 3_000 });
    const attempt = () =>
      send(simulator).then(
        ({ status }) => status,
        () => "refused",
      );
    await expect.poll(attempt, { interval: 10 }).toBe("refused");
    await expect.poll(attempt, { interval: 10 }).toBe(201);
  });
});
