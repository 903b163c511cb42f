import { z } from "zod";
import { readMessageId } from "./responses.ts";

/** What an event says of a message that one of WAHA's sessions sent. */
export interface MessageEvent {
  session: string;
  /** WhatsApp's raw id. */
  waMessageId: string;
  /** What WhatsApp reports, if anything. */
  receipt: "server" | "refused" | "delivered" | "read" | "played" | undefined;
  /** What became of the message, where the event proves it. */
  proves: "sent" | "refused" | undefined;
}

/** A group's receipts come under a name of their own. */
const TYPES = ["message.any", "message.ack", "message.ack.group"] as const;

/** Names and ids are kept on messages, so what is far too long for one is none. */
const Short = z.string().min(1).max(512);

const Event = z.object({
  event: z.enum(TYPES),
  session: Short,
  engine: z.string().optional().catch(undefined),
  payload: z.object({
    // A recipient may send a message of the same id back: only the session's own begin so.
    id: Short.startsWith("true_"),
    fromMe: z.literal(true),
    ack: z.number().optional().catch(undefined),
  }),
});

/** WAHA's numbers for what WhatsApp reports; 0 is PENDING, which reports nothing. */
const RECEIPTS: Record<number, MessageEvent["receipt"]> = {
  [-1]: "refused",
  1: "server",
  2: "delivered",
  3: "read",
  4: "played",
};

/**
 * Reads what a webhook's body says of a message of the session's own; undefined if it says nothing of one, or makes no
 * sense. With `message.any` all incoming messages come, too.
 */
export function readEvent(body: unknown): MessageEvent | undefined {
  const { data } = Event.safeParse(body);
  const waMessageId = data && readMessageId(data.payload);
  if (!waMessageId) return undefined;
  const { engine, event, payload, session } = data;
  // Its own message GOWS tells once WhatsApp has acknowledged it, NOWEB once it is on the socket, which is as good as its
  // 201. The others tell of it before it has left.
  const tells = (name: string) => event === "message.any" && engine === name;
  const reported = payload.ack === undefined ? undefined : RECEIPTS[payload.ack];
  const receipt = reported ?? (tells("GOWS") ? "server" : undefined);
  const proves = receipt === "refused" ? "refused" : receipt || tells("NOWEB") ? "sent" : undefined;
  return receipt || proves ? { session, waMessageId, receipt, proves } : undefined;
}
