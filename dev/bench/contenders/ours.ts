/**
 * This project's function, as it is deployed: its folder is the setting FUNCTION. With PROFILE_TO each order to send
 * is profiled into that file.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Summary } from "../../../lib/monitoring/report.ts";
import { profiled } from "./profiled.ts";
import { serve } from "./serve.ts";

const entrypoint = pathToFileURL(join(process.env.FUNCTION ?? "", "api/cron.js")).href;
const { GET } = (await import(entrypoint)) as typeof import("../../../api/cron.ts");
const headers = { authorization: `Bearer ${process.env.CRON_SECRET}` };

serve({
  prepare: async () => {},
  run: async (once) => {
    const { PROFILE_TO } = process.env;
    await (PROFILE_TO ? profiled(PROFILE_TO, () => send(once)) : send(once));
  },
});

async function send(once: boolean): Promise<void> {
  for (;;) {
    const { more, sent } = await pass();
    if (once || !more || sent === 0) return;
  }
}

async function pass(): Promise<Summary> {
  const response = await GET(new Request("http://localhost/api/cron", { headers }));
  const body = await response.text();
  if (response.status !== 200) throw new Error(`the pass was answered with ${response.status}: ${body}`);
  return JSON.parse(body);
}
