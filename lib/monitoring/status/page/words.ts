import type { Bounded } from "../../../mongo/bounded-count.ts";

/** A count for people; "1,000+" where it stopped at its bound. */
export function many({ count, more }: Bounded): string {
  return number(count) + (more ? "+" : "");
}

/** A number for people. */
export function number(value: number): string {
  return value.toLocaleString("en");
}

/** A span of milliseconds for people; a dash where there is none. */
export function span(ms: number | null): string {
  if (ms === null) return "–";
  if (ms < 995) return `${Math.round(ms / 10) * 10} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** A time of day, in UTC, as servers' logs have it. */
export function clock(at: Date): string {
  return at.toISOString().slice(11, 16);
}
