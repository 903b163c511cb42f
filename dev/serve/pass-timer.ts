import { Cron } from "croner";
import { tellProblem } from "../../ops/format.ts";
import { CRON_SCHEDULE } from "../../ops/server/settings.ts";
import { callCron } from "../host/call.ts";

/** The platform's cron, on this computer. */
export interface PassTimer {
  /** Calls now, out of turn. */
  callNow(): void;
  /** No more calls; resolves when the last one is answered. */
  stop(): Promise<void>;
}

/**
 * Calls the function on the schedule of vercel.json and prints a line for each answer. Like the platform's
 * cron it never waits for the call before: two may run at once.
 */
export function startPassTimer(url: string, secret: string): PassTimer {
  const calls = new Set<Promise<void>>();
  const callNow = () => {
    const call = callAndTell(url, secret).finally(() => calls.delete(call));
    calls.add(call);
  };
  const cron = new Cron(CRON_SCHEDULE, { timezone: "UTC", protect: false }, callNow);
  return {
    callNow,
    stop: async () => {
      cron.stop();
      await Promise.all(calls);
    },
  };
}

async function callAndTell(url: string, secret: string): Promise<void> {
  const time = new Date().toTimeString().slice(0, 8);
  try {
    const { status, seconds, summary, words } = await callCron(url, secret);
    const problems = summary?.errors.map(({ code, count }) => tellProblem(code, count)).join(", ");
    console.log(`${time}  ${status} in ${seconds.toFixed(1)} s: ${words}${problems ? ` (${problems})` : ""}`);
  } catch {
    console.log(`${time}  no answer: the call was cut off`);
  }
}
