import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../support/ports.ts";
import { SELF_SIGNED } from "../support/self-signed.ts";
import { clientAt, send } from "../support/waha-client.ts";

/** Longer than a test may take: what waits for it fails. */
const FOREVER_MS = 300_000;

/** A server until the test ends; gives its port. */
async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

const answeredBy = async (listener: RequestListener) =>
  clientAt(`http://127.0.0.1:${await listen(createHttpServer(listener))}`);

test("a 201 whose body drips is sent: the status is the proof, and the body is not waited for", async () => {
  const waha = await answeredBy((_request, response) => {
    response.writeHead(201, { "content-type": "application/json" }).write('{"id":');
  });
  expect(await send(waha, {}, FOREVER_MS)).toEqual({ kind: "sent", waMessageId: undefined });
});

test("the body of an error is waited for, as its words decide", async () => {
  const waha = await answeredBy((_request, response) => {
    const body = JSON.stringify({ exception: { message: "2 UNKNOWN: server returned error 429" } });
    response.writeHead(500, { "content-type": "application/json" }).write(body.slice(0, 20));
    setTimeout(() => response.end(body.slice(20)), 1_300);
  });
  expect(await send(waha, {}, FOREVER_MS)).toMatchObject({ kind: "unsent", code: "session_throttled" });
});

const CUTS: [name: string, onConnection: (socket: Socket) => void][] = [
  ["as it is made", (socket) => socket.destroy()],
  ["at the first bytes of the handshake", (socket) => socket.once("data", () => socket.destroy())],
  ["by a reset", (socket) => socket.once("data", () => socket.resetAndDestroy())],
];

test.each(CUTS)("a connection that is cut %s, before TLS stands, leaves all unsent", async (_name, cut) => {
  const port = await listen(createTcpServer(cut));
  const outcome = await send(clientAt(`https://127.0.0.1:${port}`), {}, FOREVER_MS);
  expect(outcome).toMatchObject({ kind: "unsent", code: "waha_unreachable" });
});

test("a connection that is cut after the request proves nothing, with TLS as without", async () => {
  const cut: RequestListener = (request) => request.socket.destroy();
  const port = await listen(createHttpsServer(SELF_SIGNED, cut));
  const trusting = clientAt(`https://127.0.0.1:${port}`);
  // Only the handshake fails by the certificate, so this one is told apart first.
  expect(await send(trusting)).toMatchObject({ kind: "unsent", detail: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  const outcome = await send(await answeredBy(cut));
  expect(outcome).toMatchObject({ kind: "unproven", code: "waha_connection_lost" });
});

test("why there was no connection is told by the error's code", async () => {
  const http = await listen(createHttpServer());
  const refused = await freePort();
  const CAUSES: [url: string, code: RegExp][] = [
    [`https://127.0.0.1:${http}`, /^(ERR_SSL_|EPROTO)/],
    [`http://127.0.0.1:${refused}`, /^ECONNREFUSED$/],
    ["http://nothing.invalid", /^(ENOTFOUND|EAI_AGAIN)$/],
  ];
  for (const [url, code] of CAUSES) {
    const waha = clientAt(url);
    expect(await send(waha, {}, FOREVER_MS)).toMatchObject({
      kind: "unsent",
      code: "waha_unreachable",
      detail: expect.stringMatching(code),
    });
    const list = waha.listSessions(FOREVER_MS);
    await expect(list).rejects.toMatchObject({
      code: "waha_unreachable",
      detail: expect.stringMatching(code),
    });
  }
});

/** A server of its own thread, which answers 201 while this one stands still. */
const ANSWERING_THREAD = `
const { createServer } = require("node:http");
const { parentPort, workerData } = require("node:worker_threads");
const server = createServer((request, response) => {
  const answer = () => {
    response.writeHead(201, { "content-type": "application/json" }).end('{"id":"true_4917@c.us_3EB0A"}');
    Atomics.add(workerData, 0, 1);
    Atomics.notify(workerData, 0);
  };
  // Not before the other thread stands still.
  request.resume().on("end", () => setTimeout(answer, 100));
});
server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
`;

/** Stands still until one more answer lies in the socket, and on until the time of the request is up. */
function standStill(answered: Int32Array, before: number, ms: number): void {
  Atomics.wait(answered, 0, before, 60_000);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test.each(["time-out", "cut-off"])(
  "a process that stood still past the %s finds the answer that lies in its socket",
  async (end) => {
    const answered = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(ANSWERING_THREAD, { eval: true, workerData: answered });
    onTestFinished(async () => void (await worker.terminate()));
    const [port] = await once(worker, "message");
    const waha = clientAt(`http://127.0.0.1:${port}`);
    await waha.listSessions(FOREVER_MS).catch(() => {});
    await expect.poll(() => Atomics.load(answered, 0)).toBe(1);
    const cutOff = new AbortController();
    const limitMs = 1_500;
    if (end === "cut-off") setTimeout(() => cutOff.abort(), limitMs);
    const sending = waha.send(
      { session: "default", chatId: "491701234567@c.us", content: "Hello" },
      end === "time-out" ? limitMs : FOREVER_MS,
      cutOff.signal,
    );
    // The request leaves in some turns of the event loop.
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    standStill(answered, 1, 2 * limitMs);
    expect(await sending).toEqual({ kind: "sent", waMessageId: "3EB0A" });
  },
);
