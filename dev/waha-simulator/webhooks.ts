import { createHmac, randomUUID } from "node:crypto";
import { serverVersion } from "./answers.ts";
import type { LedgerEntry, WebhookEntry } from "./ledger.ts";
import { ACK_ERROR, ackName, documentedMessage, shownChatId } from "./messages.ts";
import type { Engine, WebhookOptions } from "./options.ts";
import { type Session, type SimulatorState, SimulatorStopped } from "./state.ts";

/** WAHA's own. */
const TRIES = 15;

type Told = Pick<WebhookEntry, "event" | "ack">;

/**
 * Tells of a message that was just accepted: of itself, and then of what WhatsApp reports of it. Never waits for it, as
 * WAHA does not. Events are in memory alone, and go with the simulator.
 */
export function tellOf(state: SimulatorState, session: Session, entry: LedgerEntry): void {
  const { webhooks } = state;
  if (!webhooks) return;
  const posts = eventsOf(session.engine, entry)
    .flatMap((told) => fate(webhooks, told))
    .map((told) => expectPost(state, webhooks, session, entry, told));
  if ((webhooks.delayMs ?? 0) > 0) for (const post of posts) void post();
  else void posts.reduce((before, post) => before.then(post), Promise.resolve());
}

/** What an engine tells of a message: GOWS has no ack 1, also not of its own message; WEBJS reports nothing of groups. */
function eventsOf(engine: Engine, entry: LedgerEntry): Told[] {
  const isGroup = entry.chatId.endsWith("@g.us");
  const own: Told = { event: "message.any", ack: 0 };
  if (entry.ack === ACK_ERROR) return [own, { event: "message.ack", ack: ACK_ERROR }];
  if (isGroup && engine === "WEBJS") return [own];
  const event = isGroup ? "message.ack.group" : "message.ack";
  const first = engine === "GOWS" ? 2 : 1;
  const acks = Array.from({ length: Math.max(0, reach(entry) - first + 1) }, (_, step) => first + step);
  return [own, ...acks.map((ack): Told => ({ event, ack }))];
}

/** How far a message gets, by its chat alone: one in ten phones is off, three do not show that they read. */
function reach({ chatId, kind }: LedgerEntry): number {
  const person = [...chatId].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 10;
  if (person === 0) return 1;
  if (person <= 3) return 2;
  return kind === "voice" ? 4 : 3;
}

function fate({ doubled = 0, lost = 0 }: WebhookOptions, told: Told): Told[] {
  if (Math.random() < lost) return [];
  return Math.random() < doubled ? [told, told] : [told];
}

/** Counts an event as on its way; gives what posts it. */
function expectPost(
  state: SimulatorState,
  webhooks: WebhookOptions,
  session: Session,
  message: LedgerEntry,
  told: Told,
): () => Promise<void> {
  const entry: WebhookEntry = { ...told, session: session.name, engine: session.engine, id: message.id };
  const done = state.expectEvent(entry);
  const body = JSON.stringify(envelope(state, session, message, told));
  return () =>
    post(state, webhooks, body, entry)
      .catch((error: unknown) => {
        if (!(error instanceof SimulatorStopped)) throw error;
      })
      .finally(done);
}

async function post(
  state: SimulatorState,
  { delayMs = 0, key, retryMs = 2_000, url }: WebhookOptions,
  body: string,
  entry: WebhookEntry,
): Promise<void> {
  const signature = key !== undefined && {
    "x-webhook-hmac": createHmac("sha512", key).update(body).digest("hex"),
    "x-webhook-hmac-algorithm": "sha512",
  };
  const headers = {
    "content-type": "application/json",
    "x-webhook-request-id": randomUUID(),
    "x-webhook-timestamp": String(Date.now()),
    ...signature,
  };
  if (delayMs > 0) await state.sleep(Math.random() * delayMs);
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const response = await fetch(url, { method: "POST", headers, body }).catch(() => undefined);
    await response?.body?.cancel();
    if (response) entry.status = response.status;
    if (response?.ok) return;
    if (tries < TRIES) await state.sleep(retryMs);
  }
}

function envelope(
  state: SimulatorState,
  { engine, name }: Session,
  message: LedgerEntry,
  told: Told,
): object {
  const me = { id: "15550000000@c.us", pushName: name };
  const payload = told.event === "message.any" ? ownMessage(message, told) : ack(engine, message, told);
  return {
    id: `evt_${randomUUID()}`,
    timestamp: Date.now(),
    event: told.event,
    session: name,
    me,
    payload,
    engine,
    environment: { ...serverVersion(state.settings), engine },
  };
}

function ownMessage(message: LedgerEntry, { ack }: Told): object {
  return { ...documentedMessage(message), to: shownChatId(message.chatId), ack, ackName: ackName(ack) };
}

/** GOWS knows people by another address, too; a group's id carries who it was. */
function ack(engine: Engine, { chatId, id }: LedgerEntry, { ack, event }: Told): object {
  const shown = shownChatId(chatId);
  const chat = engine === "GOWS" ? shown.replace(/@c\.us$/, "@lid") : shown;
  const participant = event === "message.ack.group" ? "15550001111@c.us" : null;
  return {
    id: ["true", chat, id, ...(participant ? [participant] : [])].join("_"),
    from: chat,
    to: chat,
    participant,
    fromMe: true,
    ack,
    ackName: ackName(ack),
  };
}
