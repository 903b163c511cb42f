/** A server of one's own that tells, whenever it is asked, what it has taken so far. */
import { peakMemory } from "../host/process.ts";

/** What a process has taken since it began. */
export interface Taken {
  /** Of the processor, in microseconds. */
  cpu: number;
  /** At the most, in bytes. */
  peakMemory: number;
}

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu: user + system, peakMemory: peakMemory() } satisfies Taken);
});
await import("../../ops/server/main.ts");
