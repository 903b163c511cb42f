import type { Config } from "../../../lib/config.ts";
import { counted } from "../../format.ts";
import { countLate, secondsAMessage } from "../../pacing.ts";
import { type Finding, ok, problem, warning } from "../finding.ts";
import { MOST_MESSAGES, type UpcomingGroup } from "../upcoming.ts";

const REMEDY =
  "Spread scheduledAt out, raise LOOKBACK_SECONDS to what the queue takes, or lower SEND_GAP_MS (see docs/pacing.md)";

/** Checks that each session can send what is due within a day while its windows last, one message at a time. */
export function checkPacing(upcoming: UpcomingGroup[], config: Config, now: Date): Finding[] {
  const queues = new Map<string, number[]>();
  for (const { route, times } of upcoming) {
    if (!("session" in route)) continue;
    const queue = queues.get(route.session.name) ?? [];
    for (const time of times) queue.push(time.getTime());
    queues.set(route.session.name, queue);
  }
  const findings = [...queues].flatMap(([name, times]) => judge(name, times, config, now));
  const looked = upcoming.reduce((sum, { times }) => sum + times.length, 0);
  const reach = looked < MOST_MESSAGES ? "due within a day" : "due next (no more were looked at)";
  if (findings.length > 0) return findings;
  return [ok("pacing", `${counted(looked, "message")} ${reach} can go out while their windows last`)];
}

/** A problem where the pauses alone take too long; where it depends on WAHA's speed, which is a guess, a warning. */
function judge(session: string, times: number[], config: Config, now: Date): Finding[] {
  const queue = times.toSorted((a, b) => a - b);
  const { LOOKBACK_SECONDS } = config;
  const each = secondsAMessage(config);
  const late = countLate(queue, now.getTime(), each, LOOKBACK_SECONDS);
  if (late === 0) return [];
  const certain = countLate(queue, now.getTime(), secondsAMessage(config, 0), LOOKBACK_SECONDS) > 0;
  const message = `${session}: of ${counted(queue.length, "message")} about ${late.toLocaleString("en")} will be missed, at ${each.toFixed(1)} s a message and a window of ${LOOKBACK_SECONDS} s`;
  return [(certain ? problem : warning)("pacing", message, REMEDY)];
}
