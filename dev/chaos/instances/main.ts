/**
 * One instance of the function, as the platform would keep it warm: a process that runs a pass for each call
 * that it is told of. Its settings are its environment.
 */
import { readFileSync } from "node:fs";
import { machineTicker } from "../../../lib/clock.ts";
import { handleCron } from "../../../lib/handler.ts";
import type { CallAnswer, CallOrder } from "./instance.ts";

const headers = { authorization: `Bearer ${process.env.CRON_SECRET}` };

process.on("message", ({ call, skewMs }: CallOrder) => {
  const ticker = { ...machineTicker, system: () => Date.now() + skewMs };
  void handleCron(new Request("http://localhost/api/cron", { headers }), process.env, { ticker }).then(
    async (response) => {
      const body = await response.text();
      const answer: CallAnswer = { call, status: response.status, body, peakMemory: peakMemory() };
      process.send?.(answer);
    },
  );
});

/** On Linux `maxRSS` is no less than what the process held that this one was forked from: it outlives `exec`. */
function peakMemory(): number {
  const status = process.platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "";
  const peakKB = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return Number(peakKB) * 1024;
}

// Whoever started it is gone.
process.on("disconnect", () => process.exit());
process.send?.("ready");
