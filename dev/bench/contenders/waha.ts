import ky from "ky";
import type { Text } from "../work.ts";

/** The call that a sender makes, with nothing around it. */
export interface BareWaha {
  sendText(message: Text & { id?: string }): Promise<void>;
}

/** @throws HTTPError of ky's, for any answer that is no success */
export function openBareWaha(): BareWaha {
  const client = ky.create({ baseUrl: `${process.env.WAHA_API_URL}/`, retry: 0, timeout: false });
  return {
    sendText: async (json) => void (await client.post("api/sendText", { json }).json()),
  };
}
