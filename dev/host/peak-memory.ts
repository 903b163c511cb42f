import { readFileSync } from "node:fs";

/**
 * The most memory that this process has held since it began, in bytes. On Linux `maxRSS` is no less than what the
 * process held that this one was forked from: it outlives `exec`.
 */
export function peakMemory(): number {
  const status = process.platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "";
  const peakKB = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return Number(peakKB) * 1024;
}
