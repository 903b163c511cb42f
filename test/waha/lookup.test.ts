import { describe, expect, test } from "vitest";
import type { Fault } from "../../dev/waha-simulator/faults.ts";
import type { WahaSimulatorOptions } from "../../dev/waha-simulator/options.ts";
import type { Waha } from "../../lib/waha/client.ts";
import { LIMIT_MS, startWaha } from "../support/waha-client.ts";

const CHAT = "491701234567@c.us";
/** For what never answers. */
const SOON_MS = 400;
const ID = "3EB0C0FFEE";

/** A simulated WAHA with the client of it, met by a fault if one is given. */
async function start(options: WahaSimulatorOptions = {}, fault?: Fault) {
  const { server, waha } = await startWaha(options);
  if (fault) server.addFault(fault);
  return { server, waha };
}

describe("a lookup", () => {
  const lookUp = (waha: Waha, limitMs = LIMIT_MS) => waha.lookUp("default", CHAT, ID, limitMs);
  const send = (waha: Waha) =>
    waha.send({ session: "default", chatId: CHAT, content: "Hello", id: ID }, LIMIT_MS);

  test.each(["NOWEB", "GOWS"] as const)("on %s finds what was sent, whatever its ack", async (engine) => {
    const { waha } = await start({ engine });
    await send(waha);
    expect(await lookUp(waha)).toBe("found");
  });

  test("finds what was sent although its answer was lost", async () => {
    const { waha } = await start({}, { match: { route: "sendText" }, action: { type: "resetAfter" } });
    await send(waha);
    expect(await lookUp(waha)).toBe("found");
  });

  test("finds a message that WhatsApp refused as refused", async () => {
    const { waha } = await start({}, { match: { route: "sendText" }, action: { type: "ackError" } });
    await send(waha);
    expect(await lookUp(waha)).toBe("refused");
  });

  test("has WAHA's word that a message is absent", async () => {
    const { waha } = await start();
    expect(await lookUp(waha)).toBe("absent");
  });

  test("does not take another message for the one", async () => {
    const body = { id: `true_${CHAT}_3EB0ANOTHER`, ack: 1 };
    const { waha } = await start({}, { match: {}, action: { type: "status", status: 200, body } });
    expect(await lookUp(waha)).toBe("unanswered");
  });

  const FOUND: [name: string, body: object, lookup: string][] = [
    ["a serialized id", { id: `true_${CHAT}_${ID}`, ack: 0 }, "found"],
    ["a group's serialized id", { id: `true_120363@g.us_${ID}_491701@c.us`, ack: 3 }, "found"],
    ["NOWEB's own form", { key: { id: ID } }, "found"],
    ["WEBJS's own form", { id: { id: ID, fromMe: true } }, "found"],
    ["an ack that is no number", { id: ID, ack: "-1" }, "found"],
    ["ack -1", { id: `true_${CHAT}_${ID}`, ack: -1 }, "refused"],
  ];

  test.each(FOUND)("reads %s: %j is %s", async (_name, body, lookup) => {
    const { waha } = await start({}, { match: {}, action: { type: "status", status: 200, body } });
    expect(await lookUp(waha)).toBe(lookup);
  });

  test("is not supported by NOWEB without its store (400), nor by an old server (404)", async () => {
    const withoutStore = await start({ sessions: [{ name: "default", store: false }] });
    expect(await lookUp(withoutStore.waha)).toBe("unsupported");
    const old = await start({ lookup: false });
    expect(await lookUp(old.waha)).toBe("unsupported");
  });

  const UNANSWERED: [name: string, status: number, body: object | string][] = [
    ["a refused key", 401, { statusCode: 401, message: "Unauthorized" }],
    ["a session that is gone", 404, { message: "We didn't find a session with name 'default'." }],
    ["a proxy's 404", 404, "<html>Not Found</html>"],
    ["a missing file", 404, { error: { message: "Message not found" } }],
    ["a session that does not work", 422, { error: "Session status is not as expected." }],
    ["a server error", 500, { exception: { message: "Message not found" } }],
    ["a proxy's error", 502, ""],
    ["a page", 200, "<html></html>"],
    ["nothing", 200, ""],
    ["null", 200, "null"],
    ["an odd id", 200, { id: 7 }],
  ];

  test.each(UNANSWERED)("proves nothing by %s (%i)", async (_name, status, body) => {
    const { waha } = await start({}, { match: {}, action: { type: "status", status, body } });
    expect(await lookUp(waha)).toBe("unanswered");
  });

  test.each(["hangBefore", "resetBefore", "resetMidAnswer"] as const)(
    "proves nothing by a %s",
    async (type) => {
      const { waha } = await start({}, { match: { route: "lookup" }, action: { type } });
      await send(waha);
      expect(await lookUp(waha, SOON_MS)).toBe("unanswered");
    },
  );

  test("asks once, for that message in that chat", async () => {
    const { server, waha } = await start();
    await lookUp(waha);
    expect(server.requests).toMatchObject([
      { method: "GET", route: "lookup", path: `/api/default/chats/491701234567%40c.us/messages/${ID}` },
    ]);
  });
});
