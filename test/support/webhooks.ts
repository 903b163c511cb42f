import { createHmac } from "node:crypto";
import { handleWebhook } from "../../lib/http/webhook.ts";
import type { World } from "./world.ts";

export const WEBHOOK_KEY = "a-key-of-the-webhooks";

/** The headers with which WAHA signs a body. */
export function signed(body: string | Buffer, key = WEBHOOK_KEY): Record<string, string> {
  return {
    "content-type": "application/json",
    "x-webhook-hmac": createHmac("sha512", key).update(body).digest("hex"),
    "x-webhook-hmac-algorithm": "sha512",
  };
}

/** What an event of a test says; anything else is as WAHA would say it of a message to one chat. */
export interface EventFields {
  event?: string;
  session?: string;
  engine?: string;
  id?: string;
  fromMe?: boolean;
  ack?: number | undefined;
}

/** The body of an event about the message with a raw id. */
export function eventBody(raw: string, fields: EventFields = {}): string {
  const { event = "message.ack", session = "default", engine = "NOWEB", fromMe = true } = fields;
  const { ack = 2, id = `true_49170@c.us_${raw}` } = fields;
  const payload = { id, from: "49170@c.us", fromMe, ack };
  return JSON.stringify({ id: "evt_1", timestamp: Date.now(), event, session, engine, payload });
}

/** Posts a body, signed unless other headers are given. */
export function postWebhook(
  { env }: Pick<World, "env">,
  body: string,
  headers: Record<string, string> = signed(body),
  method = "POST",
): Promise<Response> {
  const init = method === "POST" ? { method, headers, body } : { method, headers };
  return handleWebhook(new Request("http://localhost/api/waha", init), env);
}

/** Posts an event; throws if it is not taken. */
export async function hear(world: Pick<World, "env">, raw: string, fields: EventFields = {}): Promise<void> {
  const response = await postWebhook(world, eventBody(raw, fields));
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
}
