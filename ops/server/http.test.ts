import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { MAX_CONNECTIONS, serve } from "./http.ts";

/** Serves a greeting, and gives what opens connections to it. */
async function serveGreeting() {
  let asked = 0;
  const greet = new Hono().get("/", ({ text }) => {
    asked += 1;
    return text("hello");
  });
  const served = await serve(greet, 0, "127.0.0.1");
  onTestFinished(async () => void (await served.close(0)));
  return {
    served,
    asked: () => asked,
    open: async () => {
      const socket = connect(served.port, "127.0.0.1").on("error", () => {});
      onTestFinished(() => void socket.destroy());
      await once(socket, "connect");
      return socket;
    },
  };
}

/** Resolves when a connection is closed, be it by a reset. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.resume().once("close", () => resolve()));
}

/** Writes for as long as it is read, and gives how many bytes went out before the server closed. */
async function writeWithoutEnd(socket: Socket, what: string): Promise<number> {
  const write = () => {
    while (!socket.destroyed && socket.write(what));
  };
  socket.on("drain", write);
  write();
  await closed(socket);
  return socket.bytesWritten;
}

/** What the system's buffers of one connection hold, and nothing has read. */
const BUFFERED = 16 * 1024 * 1024;

test.each(["GET", "HEAD"])(
  "a %s whose body never ends is read no further than its answer",
  async (method) => {
    const { open } = await serveGreeting();
    const socket = await open();
    socket.write(`${method} / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`);

    const written = await writeWithoutEnd(socket, `4000\r\n${"x".repeat(0x4000)}\r\n`);

    expect(written).toBeLessThan(BUFFERED);
  },
);

test("requests behind the first of a connection are neither served nor read on", async () => {
  const { asked, open } = await serveGreeting();
  const socket = await open();

  const written = await writeWithoutEnd(socket, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(400));

  expect(written).toBeLessThan(BUFFERED);
  expect(asked()).toBe(1);
});

test("more connections than strangers may hold are closed at once, and the others stay", async () => {
  const { open } = await serveGreeting();
  const sockets = await Promise.all(Array.from({ length: MAX_CONNECTIONS + 50 }, open));

  await expect
    .poll(() => sockets.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length)
    .toBe(50);
});

test("connections on which no request came hold up no stop, and count as no cut-off", async () => {
  const { open, served } = await serveGreeting();
  const silent = await open();
  const begun = await open();
  begun.write("GET / HTTP/1.1\r\nHost: ");
  const ended = [silent, begun].map(closed);

  expect(await served.close(60_000)).toBe(true);
  await Promise.all(ended);
});
