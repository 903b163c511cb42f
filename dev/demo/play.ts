import { styleText } from "node:util";
import { addSeconds } from "../../lib/clock.ts";
import { type CallResult, callCron } from "../host/call.ts";
import type { SampleCampaign, Timing } from "../host/sample/sample.ts";
import { countDown, showProgress } from "./progress.ts";
import { LOOKBACK_SECONDS, type Stage } from "./stage.ts";

/** How long the messages of the session that is logged out stay due, for a pass to find them so. */
const BLOCKED_FOR_SECONDS = 8;

/** How far past a moment it is when what became visible then is looked at. */
const MARGIN_SECONDS = 0.3;

/** When the demo's messages fall due: all of them before now, in order, each on its own side of the window. */
export function demoTiming(now: Date): Timing {
  return {
    due: (place) => addSeconds(now, -60 + place / 10),
    blocked: (place) => addSeconds(now, BLOCKED_FOR_SECONDS - LOOKBACK_SECONDS - place / 10),
    tooLate: addSeconds(now, -10 * 60),
  };
}

/**
 * Calls the function as the cron would: twice at the same moment, and once more when everything that waits
 * has had its time.
 *
 * @returns what was wrong with the calls themselves, in plain words
 */
export async function play(stage: Stage, campaigns: SampleCampaign[]): Promise<string[]> {
  const { hosted, secret, waha } = stage;
  const call = () => callCron(hosted.url, secret);
  const toBeSent = campaigns.flatMap(({ messages }) => messages.filter((m) => m.expected.end === "sent"));

  heading("The cron calls twice at the same moment, as it may: nothing goes out twice");
  const both = Promise.all([call(), call()]);
  const results = await showProgress(both, toBeSent.length, () => waha.ledger.length);
  for (const [index, result] of results.entries()) console.log(`  call ${index + 1}: ${tell(result)}`);

  heading("A third call, after time has decided about what the first two left");
  await countDown(
    await whenAllIsDecided(stage, campaigns),
    "the logged-out session's messages are over two minutes late",
  );
  await waha.eventsSettled();
  const third = await call();
  console.log(`  call 3: ${tell(third)}`);
  return findTroubles([...results, third]);
}

function findTroubles(results: CallResult[]): string[] {
  return results.flatMap(({ status, words }, index) =>
    status === 200 ? [] : [`call ${index + 1} was answered with ${status}: ${words}`],
  );
}

/** Past the window of every message that can't be sent, and past the time for looking up a lost answer. */
async function whenAllIsDecided(stage: Stage, campaigns: SampleCampaign[]): Promise<Date> {
  const { messages } = await stage.look();
  const lookups = messages.flatMap(({ delivery }) => delivery?.nextLookupAt ?? []);
  const windowEnds = campaigns
    .flatMap((campaign) => campaign.messages)
    .filter(({ expected }) => expected.end === "missed")
    .map(({ scheduledAt }) => addSeconds(scheduledAt, LOOKBACK_SECONDS));
  const latest = Math.max(...[...lookups, ...windowEnds].map((moment) => moment.getTime()));
  return addSeconds(new Date(latest), MARGIN_SECONDS);
}

function tell({ status, seconds, words }: CallResult): string {
  return `answered ${status} after ${seconds.toFixed(1)} s: ${words}`;
}

/** Begins a part of the output. */
export function heading(text: string): void {
  console.log(`\n${styleText("bold", text)}`);
}
