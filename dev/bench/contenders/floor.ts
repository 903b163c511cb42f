/**
 * What no scheduler can be faster than: the calls to WAHA alone, sessions side by side, one message at a time within
 * each, and no database.
 */
import type { Text } from "../work.ts";
import { serve } from "./serve.ts";
import { openBareWaha } from "./waha.ts";

const waha = openBareWaha();
let texts: Text[] = [];

serve({
  prepare: async (given) => {
    texts = given;
  },
  run: async () => {
    const bySession = Map.groupBy(texts, ({ session }) => session);
    await Promise.all([...bySession.values()].map(sendInTurn));
  },
});

async function sendInTurn(own: Text[]): Promise<void> {
  for (const text of own) await waha.sendText(text);
}
