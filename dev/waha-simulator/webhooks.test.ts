import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import type { Engine, WebhookOptions } from "./options.ts";
import { startWahaSimulator, type WahaSimulator } from "./server.ts";

const KEY = "a-key-of-the-simulator";

/** The sum of its letters says how far a chat's messages get: to its reader, to its phone, to WhatsApp alone. */
const READS = "497@c.us";
const IS_QUIET = "493@c.us";
const IS_OFF = "492@c.us";
const GROUP = "120363@g.us";

interface Taken {
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
  event: { event: string; session: string; engine: string; payload: { id: string; ack: number } };
}

/** A receiver of events; `status` is what it answers. */
async function startListener() {
  const taken: Taken[] = [];
  const answers = { status: 200 };
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    taken.push({ headers: request.headers, body, event: JSON.parse(body.toString()) });
    response.writeHead(answers.status).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, taken, answers };
}

async function start(engine: Engine, webhooks: WebhookOptions): Promise<WahaSimulator> {
  const simulator = await startWahaSimulator({ engine, webhooks });
  onTestFinished(() => simulator.stop());
  return simulator;
}

async function send({ url }: WahaSimulator, chatId: string): Promise<void> {
  const body = JSON.stringify({ session: "default", chatId, text: "hello" });
  const response = await fetch(`${url}/api/sendText`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  expect(response.status).toBe(201);
}

test.each<[engine: Engine, chatId: string, told: [event: string, ack: number][]]>([
  [
    "NOWEB",
    READS,
    [
      ["message.any", 0],
      ["message.ack", 1],
      ["message.ack", 2],
      ["message.ack", 3],
    ],
  ],
  [
    "GOWS",
    READS,
    [
      ["message.any", 0],
      ["message.ack", 2],
      ["message.ack", 3],
    ],
  ],
  [
    "WEBJS",
    READS,
    [
      ["message.any", 0],
      ["message.ack", 1],
      ["message.ack", 2],
      ["message.ack", 3],
    ],
  ],
  [
    "NOWEB",
    IS_QUIET,
    [
      ["message.any", 0],
      ["message.ack", 1],
      ["message.ack", 2],
    ],
  ],
  [
    "NOWEB",
    IS_OFF,
    [
      ["message.any", 0],
      ["message.ack", 1],
    ],
  ],
  ["GOWS", IS_OFF, [["message.any", 0]]],
  ["WEBJS", GROUP, [["message.any", 0]]],
])(
  "%s tells of a message to %s what it tells of all such, signed, under its raw id",
  async (engine, chatId, told) => {
    const listener = await startListener();
    const simulator = await start(engine, { url: listener.url, key: KEY });
    await send(simulator, chatId);
    await simulator.eventsSettled();
    const [entry] = simulator.ledger;
    expect(listener.taken.map(({ event }) => [event.event, event.payload.ack])).toEqual(told);
    for (const { body, event, headers } of listener.taken) {
      expect(event).toMatchObject({ session: "default", engine, payload: { fromMe: true } });
      expect(event.payload.id).toMatch(new RegExp(`^true_[^_]+_${entry?.id}$`));
      expect(headers["x-webhook-hmac"]).toBe(createHmac("sha512", KEY).update(body).digest("hex"));
      expect(headers["x-webhook-hmac-algorithm"]).toBe("sha512");
    }
  },
);

test("events of a group have a name of their own, and say who in the id", async () => {
  const listener = await startListener();
  const simulator = await start("GOWS", { url: listener.url });
  await send(simulator, GROUP);
  await simulator.eventsSettled();
  const [, ack] = listener.taken;
  expect(ack?.event.event).toBe("message.ack.group");
  expect(ack?.event.payload.id).toMatch(/^true_120363@g\.us_[0-9A-F]+_\d+@c\.us$/);
  expect(ack?.headers).not.toHaveProperty("x-webhook-hmac");
});

test("what WhatsApp refuses is told with ack -1", async () => {
  const listener = await startListener();
  const simulator = await start("NOWEB", { url: listener.url });
  simulator.addFault({ match: { route: "sendText" }, action: { type: "ackError" } });
  await send(simulator, READS);
  await simulator.eventsSettled();
  expect(listener.taken.map(({ event }) => event.payload.ack)).toEqual([0, -1]);
});

test("an event that is refused comes again, fifteen times in all", async () => {
  const listener = await startListener();
  listener.answers.status = 401;
  const simulator = await start("WEBJS", { url: listener.url, retryMs: 1 });
  await send(simulator, GROUP);
  await simulator.eventsSettled();
  expect(listener.taken).toHaveLength(15);
  expect(simulator.events).toMatchObject([{ event: "message.any", status: 401 }]);
});

test("events may be late, doubled and lost", async () => {
  const listener = await startListener();
  const simulator = await start("NOWEB", { url: listener.url, delayMs: 40, doubled: 1 });
  await send(simulator, READS);
  await simulator.eventsSettled();
  expect(listener.taken.map(({ event }) => event.payload.ack).sort()).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  simulator.setWebhooks({ url: listener.url, lost: 1 });
  await send(simulator, READS);
  await simulator.eventsSettled();
  simulator.setWebhooks(undefined);
  await send(simulator, READS);
  await simulator.eventsSettled();
  expect(listener.taken).toHaveLength(8);
});
