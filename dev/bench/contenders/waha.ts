import ky from "ky";
import type { Text } from "../work.ts";

/** The two calls that a sender makes, with nothing around them. */
export interface BareWaha {
  newMessageId(session: string): Promise<string>;
  sendText(message: Text & { id?: string }): Promise<void>;
}

/** @throws HTTPError of ky's, from both, for any answer that is no success */
export function openBareWaha(): BareWaha {
  const client = ky.create({ baseUrl: `${process.env.WAHA_API_URL}/`, retry: 0, timeout: false });
  return {
    newMessageId: async (session) =>
      (await client(`api/${session}/new-message-id`).json<{ id: string }>()).id,
    sendText: async (json) => void (await client.post("api/sendText", { json }).json()),
  };
}
