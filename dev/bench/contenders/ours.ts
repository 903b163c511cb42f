/** This project's function, as it is deployed: its folder is the setting FUNCTION. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Summary } from "../../../lib/pass/tally.ts";
import { serve } from "./serve.ts";

const entrypoint = pathToFileURL(join(process.env.FUNCTION ?? "", "api/cron.js")).href;
const { GET } = (await import(entrypoint)) as typeof import("../../../api/cron.ts");
const headers = { authorization: `Bearer ${process.env.CRON_SECRET}` };

serve({
  prepare: async () => {},
  run: async (once) => {
    for (;;) {
      const { more, sent } = await pass();
      if (once || !more || sent === 0) return;
    }
  },
});

async function pass(): Promise<Summary> {
  const response = await GET(new Request("http://localhost/api/cron", { headers }));
  const body = await response.text();
  if (response.status !== 200) throw new Error(`the pass was answered with ${response.status}: ${body}`);
  return JSON.parse(body);
}
