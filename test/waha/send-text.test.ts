import { describe, expect, onTestFinished, test } from "vitest";
import type { FaultAction } from "../../dev/waha-simulator/faults.ts";
import type { WahaSimulatorOptions } from "../../dev/waha-simulator/options.ts";
import { startWahaSimulator } from "../../dev/waha-simulator/server.ts";
import { answering, CHAT, clientAt, send, sendThrough, startWaha } from "../support/waha-client.ts";

describe("a 201 is sent", () => {
  const ENGINES = [
    ["GOWS, as documented", "GOWS", "2026.7.1"],
    ["NOWEB, in its key", "NOWEB", "2026.7.1"],
    ["WEBJS, in parts", "WEBJS", "2026.7.1"],
    ["an old server that ignores ids", "NOWEB", "2024.10.8"],
  ] as const;

  test.each(ENGINES)("with the id that it went out under: %s", async (_name, engine, version) => {
    const { server, waha } = await startWaha({ engine, version });
    const outcome = await send(waha);
    expect(outcome).toEqual({ kind: "sent", waMessageId: server.ledger[0]?.id });
    expect(server.ledger).toMatchObject([{ session: "default", chatId: CHAT, text: "Hello" }]);
  });

  const BODIES: [name: string, body: object | string, waMessageId: string | undefined][] = [
    ["a group's serialized id", { id: "true_120363@g.us_3EB0A_491701@c.us" }, "3EB0A"],
    ["a raw id", { id: "3EB0A" }, "3EB0A"],
    ["an id and a key", { id: "true_491701@c.us_3EB0A", key: { id: "3EB0B" } }, "3EB0A"],
    ["a null id and a key", { id: null, key: { id: "3EB0B" } }, "3EB0B"],
    ["a number for an id", { id: 7 }, undefined],
    ["an empty id", { id: "" }, undefined],
    ["an id in an odd form", { id: "false_7" }, undefined],
    ["a list", [{ id: "3EB0A" }], undefined],
    ["a page", "<html>Created</html>", undefined],
    ["half an answer", '{"id":"true_491', undefined],
    ["a bare null", "null", undefined],
    ["an error", { statusCode: 500, message: "Internal Server Error" }, undefined],
  ];

  test.each(BODIES)("whatever its body: %s", async (_name, body, waMessageId) => {
    expect(await sendThrough(answering(201, body))).toEqual({ kind: "sent", waMessageId });
  });

  const WITHOUT_BODY: [name: string, action: FaultAction][] = [
    ["is empty, as WEBJS's at times", { type: "empty201" }],
    ["is cut off", { type: "resetMidAnswer" }],
    ["is far too large", { type: "status", status: 201, bytes: 9 * 1024 * 1024, after: true }],
    ["never ends", { ...answering(201, "{", { "content-length": "100" }), after: true }],
  ];

  test.each(WITHOUT_BODY)("even if its body %s", async (_name, action) => {
    expect(await sendThrough(action, 500)).toEqual({ kind: "sent", waMessageId: undefined });
  });

  test("and the next message goes out as usual after a body that broke off", async () => {
    const { server, waha } = await startWaha();
    for (const [, action] of WITHOUT_BODY) server.addFault({ match: {}, action, times: 1 });
    for (const _ of WITHOUT_BODY) await send(waha, {}, 500);
    expect(await send(waha)).toMatchObject({ kind: "sent", waMessageId: expect.any(String) });
    expect(server.requestCount()).toBe(WITHOUT_BODY.length + 1);
  });
});

test("an id is given only where there is one, and the one that came back is told", async () => {
  const { server, waha } = await startWaha();
  expect(await send(waha, { id: "3EB0GIVEN" })).toEqual({ kind: "sent", waMessageId: "3EB0GIVEN" });
  await send(waha);
  server.addFault({ match: {}, action: { type: "wrongId" } });
  const ignored = await send(waha, { id: "3EB0IGNORED" });
  expect(ignored).toEqual({ kind: "sent", waMessageId: server.ledger[2]?.id });
  expect(server.ledger.map((entry) => entry.givenId)).toEqual(["3EB0GIVEN", undefined, "3EB0IGNORED"]);
});

describe("proven unsent", () => {
  const UNREACHABLE = { kind: "unsent", code: "waha_unreachable", about: "waha" };
  const BY_WAHA: [name: string, options: WahaSimulatorOptions, code: string][] = [
    ["a wrong key", { apiKey: "another-key" }, "waha_key_refused"],
    ["a session that is not there", { sessions: [] }, "session_not_found"],
    [
      "a session that is stopped",
      { sessions: [{ name: "default", status: "STOPPED" }] },
      "session_not_found",
    ],
    [
      "a session that does not work",
      { sessions: [{ name: "default", status: "SCAN_QR_CODE" }] },
      "session_not_working",
    ],
  ];

  test.each(BY_WAHA)("is what meets %s", async (_name, options, code) => {
    const { server, waha } = await startWaha(options);
    expect(await send(waha)).toMatchObject({ kind: "unsent", code });
    expect(server.acceptedCount()).toBe(0);
  });

  test("is what meets WAHA Core on another session than 'default'", async () => {
    const { waha } = await startWaha({ tier: "CORE", sessions: [{ name: "default" }, { name: "second" }] });
    const code = "waha_core_default_only";
    expect(await send(waha, { session: "second" })).toMatchObject({ kind: "unsent", code });
    expect(await send(waha)).toMatchObject({ kind: "sent" });
  });

  test.each([{ statusCode: 400, message: ["x"] }, "<html>Bad Request</html>", ""])(
    "is any 400: %j",
    async (body) => {
      const outcome = await sendThrough(answering(400, body));
      expect(outcome).toMatchObject({ kind: "unsent", code: "waha_bad_request" });
    },
  );

  test("is what finds nothing listening", async () => {
    const { server, waha } = await startWaha();
    await server.pause();
    expect(await send(waha)).toEqual({ ...UNREACHABLE, detail: "ECONNREFUSED" });
    await server.resume();
    expect(await send(waha)).toMatchObject({ kind: "sent" });
  });

  test("is what finds no such host", async () => {
    const outcome = await send(clientAt("http://nothing.invalid"));
    expect(outcome).toEqual({ ...UNREACHABLE, detail: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
  });

  test.each([301, 302, 307, 308])(
    "is what is redirected (%i): the redirect is not followed",
    async (status) => {
      const elsewhere = await startWahaSimulator();
      onTestFinished(() => elsewhere.stop());
      const location = `${elsewhere.url}/api/sendText?token=hunter2`;
      const outcome = await sendThrough(answering(status, "<html>Moved</html>", { location }));
      const detail = `to ${elsewhere.url}`;
      expect(outcome).toMatchObject({ kind: "unsent", code: "waha_redirect", detail });
      expect(elsewhere.requestCount()).toBe(0);
    },
  );

  test.each([[{}], [{ location: "" }], [{ location: "/login?token=hunter2" }], [{ location: "::" }]])(
    "is what is redirected to no readable address: %j",
    async (headers) => {
      const outcome = await sendThrough(answering(301, "", headers as Record<string, string>));
      expect(outcome).toMatchObject({ kind: "unsent", code: "waha_redirect" });
      expect(JSON.stringify(outcome)).not.toContain("hunter2");
    },
  );
});
