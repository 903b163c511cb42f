import { describe, expect, test } from "vitest";
import { GOWS_ERRORS, WEBJS_ERRORS } from "../../dev/waha-simulator/engine-errors.ts";
import type { FaultAction } from "../../dev/waha-simulator/faults.ts";
import { answering, CHAT, LIMIT_MS, send, sendThrough, startWaha } from "../support/waha-client.ts";

/** For what never answers. */
const SOON_MS = 400;

/** What a text comes to that this engine's WAHA answers with a 500 of these words. */
async function afterWords(words: string, engine: string | undefined = "GOWS") {
  const { server, waha } = await startWaha();
  server.addFault({ match: {}, action: { type: "exception", message: words } });
  return send(waha, { engine });
}

/** The errors of GOWS: what each proves, and about whom. */
const OF_GOWS: Record<keyof typeof GOWS_ERRORS, [kind: string, about: string, code: string]> = {
  numberNotFound: ["failed", "message", "number_not_found"],
  noLidOfNumber: ["unsent", "either", "number_not_found"],
  noUserInfo: ["unsent", "either", "number_not_found"],
  noLidMappings: ["unsent", "either", "number_not_found"],
  unknownServer: ["failed", "message", "invalid_message"],
  notAUser: ["failed", "message", "invalid_message"],
  noMembers: ["unsent", "message", "chat_unavailable"],
  noDevices: ["unsent", "either", "chat_unavailable"],
  noSessions: ["unsent", "either", "chat_unavailable"],
  notConnected: ["unsent", "session", "session_not_working"],
  notLoggedIn: ["unsent", "session", "session_not_working"],
  // Of a text it says nothing.
  notUploaded: ["unproven", "session", "waha_error"],
  lostBeforeRepeat: ["unproven", "session", "waha_error"],
  noAcknowledgement: ["unproven", "session", "waha_error"],
  lostWhileWaiting: ["unproven", "session", "waha_error"],
  notWritten: ["unproven", "session", "waha_error"],
  canceled: ["unproven", "session", "waha_error"],
  ofABatch: ["unproven", "session", "waha_error"],
  serverError: ["unproven", "session", "waha_error"],
};

describe("an error of GOWS", () => {
  test.each(Object.entries(OF_GOWS))("%s is %j", async (name, [kind, about, code]) => {
    const { words } = GOWS_ERRORS[name as keyof typeof GOWS_ERRORS];
    const expected = { kind, about, code };
    expect(await afterWords(`2 UNKNOWN: ${words}`)).toMatchObject(expected);
    expect(await afterWords(`13 INTERNAL: ${words}`)).toMatchObject(expected);
    const nothing = { kind: "unproven", code: "waha_error" };
    // Behind other words they may be a text's; without gRPC's, and of another engine, they are not GOWS's.
    expect(await afterWords(`2 UNKNOWN: can't send: 2 UNKNOWN: ${words}`)).toMatchObject(nothing);
    expect(await afterWords(words)).toMatchObject(nothing);
    for (const engine of ["NOWEB", "WEBJS"])
      expect(await afterWords(`2 UNKNOWN: ${words}`, engine)).toMatchObject(nothing);
  });

  test.each(["4 DEADLINE_EXCEEDED: Deadline exceeded", "14 UNAVAILABLE: No connection established"])(
    "%s proves nothing",
    async (words) => {
      expect(await afterWords(words)).toMatchObject({ kind: "unproven", about: "session" });
    },
  );
});

describe("WhatsApp's own error", () => {
  const ERRORS: [code: number, about: string, reason: string][] = [
    [400, "either", "whatsapp_refused"],
    [403, "either", "whatsapp_refused"],
    [479, "either", "whatsapp_refused"],
    [420, "session", "session_throttled"],
    [429, "session", "session_throttled"],
    [475, "session", "session_throttled"],
    [463, "account", "account_restricted"],
  ];

  test.each(ERRORS)("%i, as GOWS passes it on, is about: %s", async (code, about, reason) => {
    const detail = `WhatsApp's error ${code}`;
    const outcome = await sendThrough({ type: "gowsRefusal", code });
    const failsAlone = about === "either" ? { failsAlone: true } : {};
    expect(outcome).toEqual({ kind: "unsent", code: reason, about, detail, ...failsAlone });
  });

  test.each([404, 408, 500, 503, 599])("%i proves nothing: none has told what it means", async (code) => {
    const outcome = await sendThrough({ type: "gowsRefusal", code });
    expect(outcome).toEqual({ kind: "unproven", code: "waha_error", about: "session" });
  });

  test("is not what a message's own words say, echoed by another error", async () => {
    const { server, waha } = await startWaha();
    for (const type of ["error500Before", "error500After"] as const)
      server.addFault({ match: {}, action: { type }, times: 1 });
    const text = "2 UNKNOWN: server returned error 463";
    expect(await send(waha, { content: text })).toMatchObject({ kind: "unproven", code: "waha_error" });
    expect(await send(waha, { content: text })).toMatchObject({ kind: "unproven", code: "waha_error" });
  });

  const words = "2 UNKNOWN: server returned error 463";
  test.each([
    ["another number", { exception: { message: `${words}0` } }],
    ["no number", { exception: { message: "2 UNKNOWN: server returned error" } }],
    ["a text that it quotes", { exception: { message: `can't send '${words}'` } }],
    ["front of other words", { exception: { message: `${words} and more` } }],
    ["no words of gRPC's", { exception: { message: "server returned error 463" } }],
    ["another place", { message: words, exception: { message: "Timeout" } }],
    ["the stack", { exception: { message: "Timeout", stack: words } }],
    ["no exception", { message: words }],
    ["an odd exception", { exception: words }],
  ])("is not a 500 with those words in %s", async (_name, body) => {
    expect(await sendThrough(answering(500, body))).toMatchObject({ kind: "unproven", code: "waha_error" });
  });
});

describe("an error of another engine", () => {
  test("NOWEB's 'No sessions' comes before anything is sent, and is about the chat", async () => {
    const expected = { kind: "unsent", about: "message", code: "chat_unavailable" };
    expect(await afterWords("No sessions", "NOWEB")).toMatchObject(expected);
    expect(await afterWords("No sessions yet", "NOWEB")).toMatchObject({ kind: "unproven" });
    expect(await afterWords("No sessions", "WEBJS")).toMatchObject({ kind: "unproven" });
  });

  test.each(WEBJS_ERRORS)("WEBJS's and WPP's 500 proves nothing, about either: %s", async (words) => {
    const expected = { kind: "unproven", about: "either", code: "waha_error" };
    expect(await afterWords(words, "WEBJS")).toEqual(expected);
    expect(await afterWords(words, "WPP")).toEqual(expected);
    expect(await afterWords(words, "NOWEB")).toMatchObject({ kind: "unproven", about: "session" });
  });
});

describe("not passed on to WAHA's engine", () => {
  const CLOUDFLARE = { server: "cloudflare" };
  const FORBIDDEN = { statusCode: 403, message: "Forbidden resource", error: "Forbidden" };
  const NO_ROUTE = { statusCode: 404, message: "Cannot POST /api/sendText", error: "Not Found" };
  const UNSENT: [name: string, status: number, body: object | string, headers: object, outcome: object][] = [
    ["a key that may not send", 403, FORBIDDEN, {}, { code: "waha_key_refused", about: "session" }],
    ["a rest of 7 s", 429, "", { "retry-after": "7" }, { code: "session_throttled", restMs: 7_000 }],
    ["a rest of a year", 429, "", { "retry-after": "31536000" }, { restMs: 31_536_000_000 }],
    [
      "a rest that is over",
      429,
      "",
      { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" },
      { code: "session_throttled", restMs: 0 },
    ],
    ["a method that is not allowed", 405, "", {}, { code: "waha_bad_answer", about: "waha" }],
    ["a route that is not there", 404, NO_ROUTE, {}, { code: "waha_bad_answer", about: "waha" }],
    ["Cloudflare without the server", 521, "", CLOUDFLARE, { code: "waha_unreachable", about: "waha" }],
    ["Cloudflare without a way", 523, "", CLOUDFLARE, { code: "waha_unreachable", detail: "HTTP 523" }],
  ];

  test.each(UNSENT)("is %s (%i): unsent", async (_name, status, body, headers, outcome) => {
    const found = await sendThrough(answering(status, body, headers as Record<string, string>));
    expect(found).toMatchObject({ kind: "unsent", ...outcome });
  });

  test("is what is too large (413): it fails, alone", async () => {
    const outcome = await sendThrough(answering(413, "<html>Request Entity Too Large</html>"));
    expect(outcome).toEqual({ kind: "failed", code: "message_too_large", about: "message" });
  });

  test("is a file for which this WAHA has no route: its session goes on", async () => {
    const { server, waha } = await startWaha();
    server.addFault({ match: {}, action: answering(404, { message: "Cannot POST /api/sendVoice" }) });
    const media = { kind: "voice", url: "https://files.example/a.ogg" } as const;
    const outcome = await send(waha, { content: "", media });
    expect(outcome).toMatchObject({ kind: "unsent", code: "waha_bad_answer", about: "message" });
  });

  const UNPROVEN: [name: string, status: number, body: object | string, headers: object][] = [
    ["another 403 in JSON", 403, { message: "Forbidden" }, {}],
    ["a 403 that quotes", 403, { message: "no: Forbidden resource" }, {}],
    ["a firewall's 403", 403, "<html>Forbidden resource</html>", {}],
    ["a 429 without a time", 429, "", {}],
    ["a 429 with an odd time", 429, "", { "retry-after": "soon" }],
    ["a 521 that is not Cloudflare's", 521, "", { server: "nginx" }],
    ["a 521 of nothing that says its name", 521, "", {}],
    ["Cloudflare's 520", 520, "", CLOUDFLARE],
    ["Cloudflare's 522", 522, "", CLOUDFLARE],
    ["Cloudflare's 524", 524, "", CLOUDFLARE],
    ["a missing route in a page", 404, "<html>Cannot POST /api/sendText</html>", {}],
    ["a missing route further on", 404, { message: "Error: Cannot POST /api/sendText" }, {}],
  ];

  test.each(UNPROVEN)("is not known of %s (%i)", async (_name, status, body, headers) => {
    const found = await sendThrough(answering(status, body, headers as Record<string, string>));
    expect(found).toMatchObject({ kind: "unproven" });
  });
});

describe("a 2xx other than 201", () => {
  const ID = "3EB0C0FFEE0123456789AB";
  const BODIES: [name: string, body: object, id: string | undefined, kind: string][] = [
    ["as documented, with the id that was given", { id: `true_${CHAT}_${ID}` }, ID, "sent"],
    ["as documented, of a group", { id: `true_1203@g.us_${ID}_4917@c.us` }, ID, "sent"],
    ["of NOWEB", { key: { fromMe: true, id: ID } }, ID, "sent"],
    ["of WEBJS, which takes no id", { id: { fromMe: true, id: "3EB0OWN" } }, undefined, "sent"],
    ["with another id than was given", { id: `true_${CHAT}_3EB0OTHER` }, ID, "unproven"],
    ["of NOWEB with another id", { key: { fromMe: true, id: "3EB0OTHER" } }, ID, "unproven"],
    ["of another's message", { id: `false_${CHAT}_${ID}` }, ID, "unproven"],
    ["of NOWEB, of another's message", { key: { fromMe: false, id: ID } }, ID, "unproven"],
    ["that echoes the request", { session: "default", chatId: CHAT, text: "Hello", id: ID }, ID, "unproven"],
    ["that echoes a request without id", { chatId: CHAT, text: "true_4917@c.us_A" }, undefined, "unproven"],
    ["of nothing", {}, undefined, "unproven"],
  ];

  test.each(BODIES)("is judged by its body: one %s", async (_name, body, id, kind) => {
    for (const status of [200, 202]) {
      const { server, waha } = await startWaha();
      server.addFault({ match: {}, action: answering(status, body) });
      expect(await send(waha, { id })).toMatchObject({ kind });
    }
  });
});

describe("unproven", () => {
  const ANSWERS: [name: string, status: number, body: object | string, code: string][] = [
    ["a missing file", 404, { error: { message: "ENOENT: no such file" } }, "waha_unproven"],
    [
      "a missing route to read",
      404,
      { message: "Cannot GET /api/sendText", error: "Not Found" },
      "waha_unproven",
    ],
    ["a missing message", 404, { message: "Message not found" }, "waha_unproven"],
    ["the words for a session in a page", 404, "We didn't find a session", "waha_unproven"],
    [
      "the words for a session in another place",
      404,
      { error: { message: "We didn't find a session" } },
      "waha_unproven",
    ],
    [
      "the words for a session under another status",
      409,
      { message: "We didn't find a session" },
      "waha_unproven",
    ],
    ["a session's words under 404", 404, { error: "Session status is not as expected" }, "waha_unproven"],
    ["another 422", 422, { message: "The feature is available only in Plus version." }, "waha_unproven"],
    ["an empty 422", 422, "", "waha_unproven"],
    ["a 403", 403, { message: "Unauthorized" }, "waha_unproven"],
    ["a 429", 429, "", "waha_unproven"],
    ["a 200", 200, { id: "3EB0A" }, "waha_unproven"],
    ["a 202", 202, { id: "3EB0A" }, "waha_unproven"],
    ["a 204", 204, "", "waha_unproven"],
    ["a 303", 303, "", "waha_unproven"],
    ["a 500", 500, "", "waha_error"],
    ["a 502", 502, "<html>Bad Gateway</html>", "waha_gateway"],
    ["a 503", 503, "", "waha_gateway"],
    ["a 504", 504, { message: "We didn't find a session" }, "waha_gateway"],
    ["a 520", 520, "", "waha_unproven"],
  ];

  test.each(ANSWERS)("is %s (%i)", async (_name, status, body, code) => {
    const outcome = await sendThrough(answering(status, body));
    expect(outcome).toMatchObject({ kind: "unproven", code });
    expect(JSON.stringify(outcome)).not.toMatch(/3EB0A|ENOENT|html/);
  });

  const SILENCES: [action: FaultAction["type"], code: string, accepted: number][] = [
    ["hangBefore", "waha_timeout", 0],
    ["hangAfter", "waha_timeout", 1],
    ["resetBefore", "waha_connection_lost", 0],
    ["resetAfter", "waha_connection_lost", 1],
    ["error500After", "waha_error", 1],
  ];

  test.each(SILENCES)("is a %s: whether it was sent is not known", async (type, code, accepted) => {
    const { server, waha } = await startWaha();
    server.addFault({ match: { route: "sendText" }, action: { type } as FaultAction });
    const limitMs = code === "waha_timeout" ? SOON_MS : LIMIT_MS;
    expect(await send(waha, {}, limitMs)).toMatchObject({ kind: "unproven", code });
    expect(server.acceptedCount()).toBe(accepted);
    expect(server.requestCount({ route: "sendText" })).toBe(1);
  });

  test.each([0.5, 0, -5])("is a send for which %d ms were left", async (limitMs) => {
    const { server, waha } = await startWaha();
    server.addFault({ match: {}, action: { type: "hangBefore" } });
    expect(await send(waha, {}, limitMs)).toMatchObject({ kind: "unproven", code: "waha_timeout" });
  });

  test("is what was under way when the client was closed", async () => {
    const { server, waha } = await startWaha();
    server.addFault({ match: {}, action: { type: "hangBefore" } });
    const sending = send(waha, {}, 30_000);
    await server.received("sendText", 1);
    await waha.close();
    expect(await sending).toMatchObject({ kind: "unproven", code: "waha_connection_lost" });
  });
});
