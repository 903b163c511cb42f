/**
 * One instance of the function, as the platform would keep it warm: a process that runs a pass for each call
 * that it is told of. Its settings are its environment.
 */
import { systemClock } from "../../../lib/clock.ts";
import { handleCron } from "../../../lib/http/cron.ts";
import { peakMemory } from "../../host/process.ts";
import type { CallAnswer, CallOrder } from "./instance.ts";

const headers = { authorization: `Bearer ${process.env.CRON_SECRET}` };

process.on("message", ({ call, skewMs }: CallOrder) => {
  const hostClock = { ...systemClock, system: () => Date.now() + skewMs };
  void handleCron(new Request("http://localhost/api/cron", { headers }), process.env, { hostClock }).then(
    async (response) => {
      const body = await response.text();
      const answer: CallAnswer = { call, status: response.status, body, peakMemory: peakMemory() };
      process.send?.(answer);
    },
  );
});

// The program that started it is gone.
process.on("disconnect", () => process.exit());
process.send?.("ready");
