/**
 * What no scheduler can be faster than: the calls to WAHA alone, sessions side by side, one message at a time within
 * each, and no database. With the argument `ids` a message id is asked for before each.
 */
import type { Text } from "../work.ts";
import { serve } from "./serve.ts";
import { openBareWaha } from "./waha.ts";

const withIds = process.argv[2] === "ids";
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
  for (const text of own) {
    const id = withIds ? { id: await waha.newMessageId(text.session) } : {};
    await waha.sendText({ ...text, ...id });
  }
}
