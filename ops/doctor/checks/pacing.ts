import type { Config } from "../../../lib/config.ts";
import type { Foreseen } from "../../../lib/pass/forecast.ts";
import { counted } from "../../format.ts";
import { countLate, secondsAMessage } from "../../pacing.ts";
import { type Finding, ok, problem, warning } from "../finding.ts";
import { MOST_MESSAGES } from "../upcoming.ts";

const REMEDY =
  "Spread scheduledAt out, raise LOOKBACK_SECONDS to what the queue takes, or lower SEND_GAP_MS (see docs/pacing.md)";

/** Checks that each session can send what it can send of a day while the windows last, one message at a time. */
export function checkPacing(upcoming: Foreseen[], config: Config, now: Date): Finding[] {
  const sent = upcoming.filter(({ fate }) => fate === "sent");
  const queues = Map.groupBy(sent, ({ session = "" }) => session);
  const findings = [...queues].flatMap(([name, queue]) => judge(name, queue, config, now));
  if (findings.length > 0) return findings;
  if (upcoming.length === 0) return [ok("pacing", "no message is due within a day")];
  if (sent.length === 0) return [ok("pacing", "no message due within a day can be sent as things stand")];
  const reach = upcoming.length < MOST_MESSAGES ? "due within a day" : "due next (no more were looked at)";
  return [ok("pacing", `${counted(sent.length, "message")} ${reach} can go out while their windows last`)];
}

/** A problem where the pauses alone take too long; where it depends on WAHA's speed, which is a guess, a warning. */
function judge(session: string, queue: Foreseen[], config: Config, now: Date): Finding[] {
  const times = queue.flatMap(({ scheduledAt }) => scheduledAt?.getTime() ?? []);
  const { LOOKBACK_SECONDS } = config;
  const each = secondsAMessage(config);
  const late = countLate(times, now.getTime(), each, LOOKBACK_SECONDS);
  if (late === 0) return [];
  const certain = countLate(times, now.getTime(), secondsAMessage(config, 0), LOOKBACK_SECONDS) > 0;
  const message = `${session}: of ${counted(times.length, "message")} about ${late.toLocaleString("en")} will be missed, at ${each.toFixed(1)} s a message and a window of ${LOOKBACK_SECONDS} s`;
  return [(certain ? problem : warning)("pacing", message, REMEDY)];
}
