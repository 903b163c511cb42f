import type { Answer } from "./answers.ts";
import { coreOnly, exception, noSession, notWorking, Refusal } from "./answers.ts";
import type { Call } from "./calls.ts";
import { hasMessageIds } from "./features.ts";
import type { Content, LedgerEntry } from "./ledger.ts";
import { firstAck, newRawId, sentAnswer } from "./messages.ts";
import type { Session, SimulatorState } from "./state.ts";
import { tellOf } from "./webhooks.ts";

/** How a fault bends a send that is otherwise as usual. */
export type Twist = {
  /** Instead of the session's latency. */
  ms?: number;
  /** Send under an id of WAHA's own making, whatever was given. */
  ignoreId?: boolean;
  /** Instead of the engine's. */
  ack?: number;
  forgotten?: boolean;
};

/**
 * WAHA's `sendText`: no validation, so that a bad body fails wherever it first hurts. It never looks
 * at the connection: once begun, a send goes on after the client gave up.
 */
export async function sendText(state: SimulatorState, call: Call, twist: Twist): Promise<Answer> {
  const session = await workingSession(state, call.body.session);
  const { linkPreview, text } = call.body;
  const chatId = chatOf(state, call);
  if (typeof text !== "string") throw noString(state, call, "text");
  const preview = linkPreview === undefined ? {} : { linkPreview };
  return queueSend(state, session, call, twist, { chatId, kind: "text", text, ...preview });
}

/** Sends when the session's turn has come. */
export async function queueSend(
  state: SimulatorState,
  session: Session,
  call: Call,
  twist: Twist,
  message: Content & { chatId: string },
): Promise<Answer> {
  const sent = session.queue.then(async () => {
    await state.sleep(twist.ms ?? session.latencyMs);
    return accept(state, session, call, twist, message);
  });
  session.queue = sent.catch(() => {});
  return { status: 201, body: sentAnswer(session.engine, await sent) };
}

/** The chat, or WAHA's own mistake over one that is no string. */
export function chatOf(state: SimulatorState, call: Call): string {
  const { chatId } = call.body;
  if (typeof chatId === "string") return chatId;
  throw noString(state, call, "chatId");
}

function noString({ settings }: SimulatorState, call: Call, field: string): Refusal {
  const message = `${field}.includes is not a function`;
  return new Refusal(exception(settings, call, { name: "TypeError", message }));
}

/** The session if it may be used; waits a while for it to be WORKING, as WAHA does. */
export async function workingSession(state: SimulatorState, name: unknown): Promise<Session> {
  // A missing name is looked for all the same, as the text 'undefined', and Core's rule does not catch it.
  const isCore = state.settings.tier === "CORE";
  if (isCore && name !== undefined && name !== "default") throw new Refusal(coreOnly(String(name)));
  const session = state.sessions.get(String(name));
  if (!session || session.status === "STOPPED") throw new Refusal(noSession(String(name)));
  await state.until(() => session.status === "WORKING", state.settings.refusalDelayMs);
  if (session.status !== "WORKING") throw new Refusal(notWorking(session.name, session.status));
  return session;
}

function accept(
  state: SimulatorState,
  session: Session,
  call: Call,
  twist: Twist,
  message: Content & { chatId: string },
): LedgerEntry {
  const givenId = typeof call.body.id === "string" ? call.body.id : undefined;
  const honoursIds = hasMessageIds(state.settings.version, session.engine) && !twist.ignoreId;
  const entry = state.accept({
    session: session.name,
    ...message,
    id: (honoursIds ? givenId : undefined) ?? newRawId(),
    ...(givenId !== undefined && { givenId }),
    receivedAt: call.receivedAt,
    concurrent: call.concurrent,
    ack: twist.ack ?? firstAck(session.engine),
    forgotten: twist.forgotten ?? false,
  });
  // The event may be there before the answer.
  tellOf(state, session, entry);
  return entry;
}
