import { setTimeout as sleep } from "node:timers/promises";
import type { MessageDocument } from "../../../lib/messages/message.ts";
import { COLLECTIONS } from "../../load/seed.ts";
import { OURS } from "../contenders/catalog.ts";
import type { Contender } from "../contenders/contender.ts";
import { openWahaFor } from "../contest.ts";
import { allowSeconds } from "../lab/function.ts";
import type { Lab } from "../lab/lab.ts";
import type { Waha } from "../lab/waha.ts";
import type { Scale } from "../scale.ts";
import type { Findings, Scenario, Tell } from "../scenario.ts";
import { createCollections, replaceWork } from "../work.ts";
import { findings } from "./on-time-findings.ts";
import { evenWork, FIRST_MS, insertInTime, LATENCY_MS, SESSIONS, whenInserted } from "./on-time-work.ts";

const DATABASE = "on-time";

/** How long after the last message's time the scenario waits; what is not sent then is counted as it stands. */
const PATIENCE_MS = 5_000;

/** The settings of a function that is called at an interval and stays; at 60 s those that docs/pacing.md names. */
function stayingSettings(callEvery: number): { maxDuration: number; settings: NodeJS.ProcessEnv } {
  const maxDuration = Math.ceil(callEvery * 1.5);
  return {
    maxDuration,
    settings: {
      PASS_SECONDS: String(maxDuration),
      STAY_SECONDS: String(callEvery * 1.25),
      TAIL_SECONDS: String(callEvery / 6),
    },
  };
}

/** How late messages are that fall due evenly while staying passes take turns. */
export const onTime: Scenario = {
  name: "on-time",
  run: async (lab, scale, tell): Promise<Findings> => {
    const { callEvery } = scale;
    const waha = await openWahaFor({ sessions: SESSIONS, latencyMs: LATENCY_MS });
    const { maxDuration, settings } = stayingSettings(callEvery);
    const folder = await allowSeconds(lab.functionFolder, maxDuration);
    const place = { database: DATABASE, waha, settings: { ...settings, FUNCTION: folder } };
    const ours = [1, 2].map(() => lab.start({ name: OURS, program: "ours", args: [] }, place));
    // So that no cold start is measured, nor indexes are made.
    await createCollections(lab.client.db(DATABASE));
    const warm = lab.start({ name: OURS, program: "ours", args: [] }, { database: DATABASE, waha });
    await warm.run({ once: true });
    await warm.end();
    const found = await watch(lab, waha, ours, scale, tell);
    for (const contender of ours) await contender.end();
    await waha.stop();
    return found;
  },
};

async function watch(
  { client, counter }: Lab,
  waha: Waha,
  ours: Contender[],
  scale: Scale,
  tell: Tell,
): Promise<Findings> {
  const { callEvery, calls } = scale;
  const began = Date.now() + 1_000;
  const lasts = (calls - 1) * callEvery * 1_000 + FIRST_MS;
  const work = evenWork(began + FIRST_MS, lasts);
  const { early, late } = whenInserted(work);
  const db = client.db(DATABASE);
  await replaceWork(db, { ...work, world: { ...work.world, messages: early } });
  await waha.listen();
  await counter.settle();
  const passes = callAgainAndAgain(ours, began, scale, tell);
  const inserting = insertInTime(db.collection<MessageDocument>(COLLECTIONS.messages), late);
  await sleep(began + FIRST_MS + lasts + PATIENCE_MS - Date.now());
  const { requests } = await counter.count();
  await inserting;
  const { accepted } = await waha.listen();
  return findings({ work, accepted, began, callEvery, ended: Date.now(), requests, ...passes });
}

/** The calls, as the cron makes them; what became of them is filled in when they are answered. */
function callAgainAndAgain(
  ours: Contender[],
  began: number,
  { callEvery, calls }: Scale,
  tell: Tell,
): { seconds: number[]; problems: string[] } {
  const seconds: number[] = [];
  const problems: string[] = [];
  const callOne = async (call: number) => {
    await sleep(began + call * callEvery * 1_000 - Date.now());
    tell(`call ${call + 1} of ${calls}`);
    const at = performance.now();
    await ours[call % ours.length]?.run({ once: true });
    seconds.push((performance.now() - at) / 1_000);
  };
  for (let call = 0; call < calls; call += 1)
    callOne(call).catch(({ message }: Error) => problems.push(message));
  return { seconds, problems };
}
