import fc from "fast-check";
import { expect, test } from "vitest";
import { CHAT, clientAt, LIMIT_MS } from "../support/waha-client.ts";
import { createWorld } from "../support/world.ts";
import { type RawRequest, startRawServer } from "./raw-server.ts";
import { holds } from "./seeds.ts";
import { trick, tricky } from "./tricks.ts";

/** A name that no path can hold. */
const hasNoPath = (name: string) => ["", ".", ".."].includes(name) || !name.isWellFormed();

/** The headers that do not depend on the length of what is sent. */
const headersOf = ({ headers }: RawRequest) =>
  headers.filter(([name]) => name.toLowerCase() !== "content-length");

test("whatever names hold, a request goes where it should, with its key and no other header, or nowhere", async () => {
  const server = await startRawServer(() => ({ status: 404 }));
  const waha = clientAt(`${server.url}/behind/a%20proxy`);
  await waha.lookUp("usual", CHAT, "3EB0", LIMIT_MS);
  const usual = headersOf(server.requests[0] as RawRequest);

  function expectRequest(names: string[], segments: string[], query: string[]): void {
    const requests = server.requests.splice(0);
    if (names.some(hasNoPath)) {
      expect(requests).toEqual([]);
      return;
    }
    expect(requests).toMatchObject([{ method: "GET", body: "" }]);
    const { target, ...rest } = requests[0] as RawRequest;
    const [path = "", ...queries] = target.split("?");
    expect(path.split("/").map(decodeURIComponent)).toEqual(["", "behind", "a proxy", "api", ...segments]);
    expect(queries).toEqual(query);
    expect(headersOf({ target, ...rest })).toEqual(usual);
  }

  server.requests.length = 0;
  const names = fc.tuple(tricky, tricky, tricky);
  await holds(names, 300, async ([session, chat, id]) => {
    await waha.lookUp(session, chat, id, LIMIT_MS);
    const segments = [session, "chats", chat, "messages", id];
    expectRequest([session, chat, id], segments, ["downloadMedia=false"]);
  });
});

test("whatever a message holds, it is posted to one place, in a body that says just that", async () => {
  const server = await startRawServer(() => ({ status: 201 }));
  const waha = clientAt(server.url);
  await waha.send({ session: "usual", chatId: CHAT, content: "Hello" }, LIMIT_MS);
  const usual = headersOf(server.requests[0] as RawRequest);
  const message = fc.record(
    { session: tricky, chatId: tricky, content: tricky, id: tricky },
    { requiredKeys: ["session", "chatId", "content"] },
  );
  await holds(message, 300, async ({ id, ...given }) => {
    const { content: text, ...to } = given;
    server.requests.length = 0;
    await waha.send({ ...given, ...(id === undefined ? {} : { id }) }, LIMIT_MS);
    expect(server.requests).toMatchObject([{ method: "POST", target: "/api/sendText" }]);
    const [request] = server.requests as [RawRequest];
    expect(headersOf(request)).toEqual(usual);
    expect(JSON.parse(request.body)).toEqual({ ...to, text, ...(id ? { id } : {}) });
  });
});

/** A session's name as a database can hold it. */
const sessionName = fc
  .tuple(trick, tricky)
  .map((parts) => parts.join(""))
  .filter((name) => name.isWellFormed());

/** No chat's id has any of the tricks in it. */
const badChat = fc
  .tuple(fc.constantFrom("", "4917012345", "120363"), trick, tricky, fc.constantFrom("", "@c.us", "@g.us"))
  .map((parts) => parts.join(""));

test("sessions of any name send, nothing is posted to what is no chat, and the good message goes out", async () => {
  const world = await createWorld();
  const odd = fc.record({
    names: fc.uniqueArray(sessionName, { minLength: 3, maxLength: 6 }),
    chats: fc.array(badChat, { minLength: 3, maxLength: 10 }),
  });
  await holds(odd, 10, async ({ names, chats }) => {
    await world.database.drop();
    const seen = world.waha.ledger.length;
    for (const name of [...names, "\ud800", "\udc00"]) world.waha.addSession({ name });
    const bad = await world.insert(...chats.map((chatId, n) => ({ chatId, sessionId: names[n] ?? null })));
    const good = await world.insert({}, ...names.map((sessionId) => ({ sessionId })));
    await world.pass();
    for (const name of [...names, "\ud800", "\udc00"]) world.waha.removeSession(name);
    const stored = await Promise.all(good.map((id) => world.find(id)));
    const posted = world.waha.ledger.slice(seen).map(({ session, text }) => [session, text]);
    const expected = stored.map(({ sessionId = "default", content }) => [sessionId, content]);
    expect(posted.sort()).toEqual(expected.sort());
    for (const id of bad) {
      const { isSent, delivery } = await world.find(id);
      expect([isSent, delivery.state, delivery.error.code]).toEqual([false, "failed", "invalid_message"]);
    }
  });
  expect(world.waha.requestCount({ route: "unknown" })).toBe(0);
});
