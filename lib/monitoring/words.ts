import type { Bounded } from "../mongo/bounded-count.ts";

/** A number for people. */
export function number(value: number): string {
  return value.toLocaleString("en");
}

/** A count for people; "1,000+" where counting stopped at a bound. */
export function many({ count, more }: Bounded): string {
  return number(count) + (more ? "+" : "");
}

/** A span of milliseconds for people; a dash where there is none. */
export function span(ms: number | null): string {
  if (ms === null) return "–";
  if (ms < 995) return `${Math.round(ms / 10) * 10} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** How long something lasted, for people, in one unit. (`Intl.DurationFormat` says "5 sec", and nothing of 0 s.) */
export function lasting(from: Date, to: Date): string {
  const seconds = Math.max(0, Math.round((to.getTime() - from.getTime()) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** A time of day in UTC, as in the logs of servers. */
export function timeOfDay(at: Date): string {
  return at.toISOString().slice(11, 16);
}

/** Words of `lib/problems.ts` as a sentence of their own. */
export function sentence(words: string): string {
  return capital(words) + (/[.!?)]$/.test(words) || words === "" ? "" : ".");
}

export function capital(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

/** Orders names as people do: "s2" before "s10". */
export function compareNames(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}
