import { describe, expect, test } from "vitest";
import type { FaultAction } from "../../dev/waha-simulator/faults.ts";
import { answering, LIMIT_MS, send, sendThrough, startWaha } from "../support/waha-client.ts";

/** For what never answers. */
const SOON_MS = 400;

describe("refused by WhatsApp itself", () => {
  test("is what GOWS passes on, and 463 means that the account is restricted", async () => {
    expect(await sendThrough({ type: "gowsRefusal", code: 463 })).toEqual({
      kind: "failed",
      code: "account_restricted",
      accountRestricted: true,
    });
    expect(await sendThrough({ type: "gowsRefusal", code: 479 })).toEqual({
      kind: "failed",
      code: "whatsapp_refused",
      accountRestricted: false,
      detail: "WhatsApp's error 479",
    });
  });

  test("is not what a message's own words say, echoed by another error", async () => {
    const { server, waha } = await startWaha();
    for (const type of ["error500Before", "error500After"] as const)
      server.addFault({ match: {}, action: { type }, times: 1 });
    const text = "server returned error 463";
    expect(await send(waha, { content: text })).toEqual({ kind: "unproven", code: "waha_error" });
    expect(await send(waha, { content: text })).toEqual({ kind: "unproven", code: "waha_error" });
  });

  test.each([
    ["another number", { exception: { message: "server returned error 4630" } }],
    ["no number", { exception: { message: "server returned error" } }],
    ["a text that it quotes", { exception: { message: "can't send 'server returned error 463'" } }],
    ["front of other words", { exception: { message: "server returned error 463 and more" } }],
    ["another place", { message: "server returned error 463", exception: { message: "Timeout" } }],
    ["the stack", { exception: { message: "Timeout", stack: "server returned error 463" } }],
    ["no exception", { message: "server returned error 463" }],
    ["an odd exception", { exception: "server returned error 463" }],
  ])("is not a 500 with those words in %s", async (_name, body) => {
    expect(await sendThrough(answering(500, body))).toEqual({ kind: "unproven", code: "waha_error" });
  });
});

describe("unproven", () => {
  const ANSWERS: [name: string, status: number, body: object | string, code: string][] = [
    ["a missing file", 404, { error: { message: "ENOENT: no such file" } }, "waha_unproven"],
    ["a missing route", 404, { message: "Cannot POST /api/sendText", error: "Not Found" }, "waha_unproven"],
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
    expect(await send(waha, {}, limitMs)).toEqual({ kind: "unproven", code });
    expect(server.acceptedCount()).toBe(accepted);
    expect(server.requestCount({ route: "sendText" })).toBe(1);
  });

  test.each([0.5, 0, -5])("is a send for which %d ms were left", async (limitMs) => {
    const { server, waha } = await startWaha();
    server.addFault({ match: {}, action: { type: "hangBefore" } });
    expect(await send(waha, {}, limitMs)).toEqual({ kind: "unproven", code: "waha_timeout" });
  });

  test("is what was under way when the client was closed", async () => {
    const { server, waha } = await startWaha();
    server.addFault({ match: {}, action: { type: "hangBefore" } });
    const sending = send(waha, {}, 30_000);
    await server.received("sendText", 1);
    await waha.close();
    expect(await sending).toEqual({ kind: "unproven", code: "waha_connection_lost" });
  });
});
