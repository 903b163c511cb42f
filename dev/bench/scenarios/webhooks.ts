import type { ChildProcess } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Db } from "mongodb";
import { addSeconds } from "../../../lib/clock.ts";
import { HEALTH_PATH, WEBHOOK_PATH } from "../../../ops/server/http.ts";
import { startChild } from "../../host/process.ts";
import { COLLECTIONS } from "../../load/seed.ts";
import { openWahaFor, WEBHOOK_KEY } from "../contest.ts";
import type { Waha } from "../lab/waha.ts";
import type { Findings, Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";
import { createCollections, makeWork, replaceWork } from "../work.ts";

const SESSIONS = 20;
const LATENCY_MS = 20;
const MESSAGES = 3_000;

/** Each is about another message that was sent, and is recorded. */
const EVENTS_A_MINUTE = 5_000;

const SERVER = fileURLToPath(new URL("../../../ops/server/main.ts", import.meta.url));

/** Everything is in the database before the first message is due. */
const AHEAD_SECONDS = 3;

/** How often it is looked whether all is sent, or the server there. */
const LOOK_MS = 50;

/** Whether WAHA's events slow down the sending of a server of one's own, and how soon they are answered. */
export const webhooks: Scenario = {
  name: "webhooks",
  run: async (lab, { hotRepeats }, tell): Promise<Findings> => {
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: LATENCY_MS });
    const place = { database: "webhooks", waha };
    const db = lab.client.db(place.database);
    await createCollections(db);
    const port = await freePort();
    const settings = {
      PORT: String(port),
      TICK_SECONDS: "1",
      WAHA_WEBHOOK_KEY: WEBHOOK_KEY,
      LOG_LEVEL: "error",
    };
    const server = startChild(SERVER, lab.settingsFor({ ...place, settings }));
    await untilUp(port);
    const rates = { without: [] as number[], beside: [] as number[] };
    const slowest: number[] = [];
    let refused = 0;
    for (let round = 0; round <= hotRepeats; round += 1) {
      for (const kind of ["without", "beside"] as const) {
        const dueAt = await fill(db);
        const over = new AbortController();
        const told = kind === "beside" ? tellEvents(port, dueAt, over.signal) : undefined;
        const rate = await rateOf(waha);
        over.abort();
        const events = await told;
        refused += events?.refused ?? 0;
        if (round === 0) continue;
        rates[kind].push(rate);
        if (events) slowest.push(events.slowestMs);
      }
      if (round > 0) tell(`round ${round} of ${hotRepeats}`);
    }
    await stop(server);
    await waha.stop();
    const failures = refused > 0 ? [`webhooks: ${refused} events were not answered with 200`] : [];
    return { ...findings(rates, slowest), failures };
  },
};

/** New work, and messages that were sent before, whose receipts are awaited; gives when the work is due. */
async function fill(db: Db): Promise<Date> {
  const dueAt = addSeconds(new Date(), AHEAD_SECONDS);
  await replaceWork(db, makeWork({ messages: MESSAGES, sessions: SESSIONS }, dueAt));
  const sent = Array.from({ length: EVENTS_A_MINUTE }, (_, place) => ({
    isSent: true,
    isPicked: true,
    isDeleted: false,
    scheduledAt: addSeconds(dueAt, -600),
    delivery: {
      state: "sent",
      session: "told",
      waMessageId: idOf(place),
      attemptAt: addSeconds(dueAt, -600),
      receiptsUntil: addSeconds(dueAt, 600_000),
    },
  }));
  await db.collection(COLLECTIONS.messages).insertMany(sent);
  return dueAt;
}

const idOf = (place: number) => `3EB0${String(place).padStart(18, "0")}`;

/** Posts events at their rate from a moment on until the signal, whether or not the ones before are answered. */
async function tellEvents(
  port: number,
  from: Date,
  signal: AbortSignal,
): Promise<{ slowestMs: number; refused: number }> {
  const under = new Set<Promise<void>>();
  let [slowestMs, refused] = [0, 0];
  const post = async (place: number) => {
    const began = performance.now();
    const status = await postEvent(port, place).catch(() => 0);
    slowestMs = Math.max(slowestMs, performance.now() - began);
    if (status !== 200) refused += 1;
  };
  await sleep(Math.max(0, from.getTime() - Date.now()));
  for (let place = 0; !signal.aborted && place < EVENTS_A_MINUTE; place += 1) {
    const posted = post(place).finally(() => under.delete(posted));
    under.add(posted);
    const next = from.getTime() + ((place + 1) * 60_000) / EVENTS_A_MINUTE;
    await sleep(Math.max(0, next - Date.now()));
  }
  await Promise.all(under);
  return { slowestMs, refused };
}

/** As cheaply as can be: what this costs is no part of what is measured, but has the same processors. */
async function postEvent(port: number, place: number): Promise<number | undefined> {
  const payload = { id: `true_49170@c.us_${idOf(place)}`, fromMe: true, ack: 2, ackName: "DEVICE" };
  const body = JSON.stringify({ event: "message.ack", session: "told", engine: "NOWEB", payload });
  const digest = createHmac("sha512", WEBHOOK_KEY).update(body).digest("hex");
  const headers = { "x-webhook-hmac": digest, "x-webhook-hmac-algorithm": "sha512" };
  const to = { host: "127.0.0.1", port, path: WEBHOOK_PATH, method: "POST", agent: false };
  const posted = request({ ...to, headers }).end(body);
  const [response] = (await once(posted, "response")) as [IncomingMessage];
  await once(response.resume(), "end");
  return response.statusCode;
}

/** Waits until WAHA has accepted all; gives how many it accepted a second, from the first to the last. */
async function rateOf(waha: Waha): Promise<number> {
  const times: number[] = [];
  while (times.length < MESSAGES) {
    times.push(...(await waha.listen()).accepted.map(({ acceptedAt }) => acceptedAt));
    await sleep(LOOK_MS);
  }
  return ((MESSAGES - 1) / (Math.max(...times) - Math.min(...times))) * 1000;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilUp(port: number): Promise<void> {
  while (!(await fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`).catch(() => undefined)))
    await sleep(LOOK_MS);
}

async function stop(server: ChildProcess): Promise<void> {
  const gone = once(server, "exit");
  server.kill();
  await gone;
}

function findings(rates: Record<"without" | "beside", number[]>, slowest: number[]): Findings {
  const tell = (runs: number[]) => `${Math.round(median(runs))} a second`;
  const slowestMs = Math.max(...slowest);
  return {
    tables: [
      {
        title: "A server of one's own, with WAHA's events and without",
        note: `${MESSAGES.toLocaleString("en")} messages over ${SESSIONS} sessions, WAHA takes ${LATENCY_MS} ms; ${EVENTS_A_MINUTE.toLocaleString("en")} events a minute, each recorded; messages a second from the first accepted to the last, medians of ${slowest.length} runs; the slowest answer of all`,
        head: ["", "sent", "slowest answer to an event"],
        rows: [
          ["without events", tell(rates.without), ""],
          ["with events", tell(rates.beside), `${Math.round(slowestMs)} ms`],
        ],
      },
    ],
    figures: { besideEvents: median(rates.beside) / median(rates.without), slowestEvent: slowestMs },
  };
}
