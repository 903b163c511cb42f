import type { Answer } from "./answers.ts";
import { nestError, noRoute, noStore, Refusal, serverVersion, unauthorized } from "./answers.ts";
import type { Call, RouteName } from "./calls.ts";
import { hasHealth, hasMessageIdRoute, hasMessageIds, tellsRestrictions } from "./features.ts";
import type { LedgerEntry } from "./ledger.ts";
import { sendMedia } from "./media.ts";
import { ackName, documentedMessage, newRawId, rawIdOf, seconds, shownChatId } from "./messages.ts";
import type { Twist } from "./send.ts";
import { sendText, workingSession } from "./send.ts";
import type { SimulatorState } from "./state.ts";

type Handler = (state: SimulatorState, call: Call, twist: Twist) => Answer | Promise<Answer>;

const HANDLERS: Record<RouteName, Handler> = {
  ping: () => ({ status: 200, body: { message: "pong" } }),
  health,
  version,
  sessions,
  sendText,
  sendImage: sendMedia,
  sendVideo: sendMedia,
  sendVoice: sendMedia,
  sendFile: sendMedia,
  newMessageId,
  lookup,
  messages,
  unknown: (_state, call) => noRoute(call),
};

/** What WAHA answers when nothing goes wrong on the way: first the key, then the route. */
export async function handle(state: SimulatorState, call: Call, twist: Twist = {}): Promise<Answer> {
  const isOpen = call.route === "ping" || state.apiKey === undefined;
  if (!isOpen && call.apiKey !== state.apiKey) return unauthorized();
  if (call.malformed !== undefined) return nestError(400, "Bad Request", call.malformed);
  try {
    return await HANDLERS[call.route](state, call, twist);
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    throw error;
  }
}

function health({ settings }: SimulatorState): Answer {
  if (!hasHealth(settings.version, settings.tier)) {
    return nestError(422, "Unprocessable Entity", "The feature is available only in Plus version.");
  }
  return { status: 200, body: { status: "ok", info: {}, error: {}, details: {} } };
}

function version({ settings }: SimulatorState, call: Call): Answer {
  if (settings.legacyVersionPath && call.path !== "/api/version") return noRoute(call);
  return { status: 200, body: serverVersion(settings) };
}

function sessions(state: SimulatorState, call: Call): Answer {
  const all = call.query.get("all") === "true";
  const listed = [...state.sessions.values()].filter(({ status }) => all || status !== "STOPPED");
  const body = listed.map(({ name, status, engine, hasOwnEngine, restrictedUntil, webhooks }) => ({
    name,
    status,
    config: webhooks ? { webhooks } : {},
    me:
      status === "WORKING"
        ? { id: "15550000000@c.us", pushName: name, ...timelock(state, restrictedUntil) }
        : null,
    presence: null,
    timestamps: { activity: null },
    ...(hasOwnEngine && { engine: { engine } }),
  }));
  return { status: 200, body };
}

/** Shaped by what is read of it: the rest of it was not seen. */
function timelock({ settings }: SimulatorState, until: Date | null | undefined): object {
  if (!tellsRestrictions(settings.version)) return {};
  const ends = until ? { timeEnforcementEnds: Math.floor(until.getTime() / 1000) } : {};
  return { reachoutTimelock: { isActive: until !== undefined, ...ends } };
}

async function newMessageId(state: SimulatorState, call: Call): Promise<Answer> {
  const { settings } = state;
  if (!hasMessageIdRoute(settings.version)) return noRoute(call);
  const { engine } = await workingSession(state, call.session);
  if (!hasMessageIds(settings.version, engine)) {
    return nestError(501, "Not Implemented", "The method is not implemented by the engine.");
  }
  return { status: 200, body: { id: newRawId() } };
}

async function lookup(state: SimulatorState, call: Call): Promise<Answer> {
  if (!state.settings.lookup) return noRoute(call);
  const raw = rawIdOf(call.messageId ?? "");
  const found = (await storedMessages(state, call)).find(({ id }) => id === raw);
  if (!found) return nestError(404, "Not Found", "Message not found");
  return { status: 200, body: documentedMessage(found) };
}

/** The list, newest first unless asked otherwise. All messages here are the account's own. */
async function messages(state: SimulatorState, call: Call): Promise<Answer> {
  const stored = await storedMessages(state, call);
  const { query } = call;
  const from = Number(query.get("filter.timestamp.gte") ?? 0);
  const to = Number(query.get("filter.timestamp.lte") ?? Number.POSITIVE_INFINITY);
  const ack = query.get("filter.ack");
  const found = stored.filter(
    (entry) =>
      query.get("filter.fromMe") !== "false" &&
      seconds(entry) >= from &&
      seconds(entry) <= to &&
      (ack === null || ack === ackName(entry.ack)),
  );
  const sorted = query.get("sortOrder") === "asc" ? found : found.reverse();
  const offset = Number(query.get("offset") ?? 0);
  const limit = Number(query.get("limit") ?? 10);
  return { status: 200, body: sorted.slice(offset, offset + limit).map(documentedMessage) };
}

/** What the session still knows of the chat, oldest first. */
async function storedMessages(state: SimulatorState, call: Call): Promise<LedgerEntry[]> {
  const session = await workingSession(state, call.session);
  if (session.engine === "NOWEB" && !session.store) throw new Refusal(noStore());
  const chatId = shownChatId(call.chatId ?? "");
  return state.ledger.filter(
    (entry) => entry.session === session.name && shownChatId(entry.chatId) === chatId && !entry.forgotten,
  );
}
