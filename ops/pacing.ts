import type { Config } from "../lib/config.ts";

/** How long WAHA takes over a message; a guess, as it depends on the engine, the phone and the network. */
const WAHA_MS = 200;

/** How often the cron calls, in seconds. */
const CRON_SECONDS = 60;

/**
 * How long a message occupies its session, in seconds: what WAHA takes, the pause until the next, and its part of
 * the time in which no pass sends.
 *
 * @param wahaMs what WAHA takes over one
 */
export function secondsAMessage(config: Config, wahaMs = WAHA_MS): number {
  const { PASS_SECONDS, SEND_GAP_JITTER_MS, SEND_GAP_MS, TAIL_SECONDS } = config;
  const sendingShare = Math.min(1, (PASS_SECONDS - TAIL_SECONDS) / CRON_SECONDS);
  return (wahaMs + SEND_GAP_MS + SEND_GAP_JITTER_MS / 2) / 1000 / sendingShare;
}

/**
 * How many messages of one session would be missed, at this time a message.
 *
 * @param times when they fall due, in order, in milliseconds since 1970
 * @param now when sending can begin
 */
export function countLate(times: number[], now: number, secondsEach: number, windowSeconds: number): number {
  let free = now;
  let late = 0;
  for (const time of times) {
    const start = Math.max(free, time);
    if (start > time + windowSeconds * 1000) late += 1;
    else free = start + secondsEach * 1000;
  }
  return late;
}
