import { once } from "node:events";
import { connect } from "node:net";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { serve } from "./http.ts";

/** The longest that any connection may keep its request to itself, ten seconds, and time for a busy machine. */
const LIMIT_MS = 20_000;

test.concurrent.each([
  ["says nothing", "", ""],
  ["stops in the middle of its headers", "POST / HTTP/1.1\r\nHost: ", ""],
  ["sends a header now and then", "POST / HTTP/1.1\r\n", "A: b\r\n"],
  ["sends its body byte by byte", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", "x"],
])("a connection that %s is closed within ten seconds", { timeout: 30_000 }, async (_what, first, then) => {
  const readBody = new Hono().post("/", async ({ req, text }) => text(await req.text().catch(() => "cut")));
  const served = await serve(readBody, 0, "127.0.0.1");
  const socket = connect(served.port, "127.0.0.1", () => socket.write(first)).on("error", () => {});
  const dripping = setInterval(() => socket.writable && socket.write(then), 500);
  const began = performance.now();

  await once(socket.resume(), "close").finally(() => clearInterval(dripping));

  expect(performance.now() - began).toBeLessThan(LIMIT_MS);
  await served.close(0);
});
