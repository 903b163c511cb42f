import { handleWebhook } from "../lib/http/webhook.ts";

/** WAHA's webhook: what became of the messages that were sent. Closed unless WAHA_WEBHOOK_KEY is set. */
export async function POST(request: Request): Promise<Response> {
  return handleWebhook(request, process.env);
}
