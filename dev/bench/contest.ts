import { ENTRIES, type Entry, OURS } from "./contenders/catalog.ts";
import type { Contender } from "./contenders/contender.ts";
import type { Lab } from "./lab/lab.ts";
import { startWaha, type Waha } from "./lab/waha.ts";
import { type Measurement, measure } from "./measure.ts";
import type { Tell } from "./scenario.ts";
import { type Load, makeWork } from "./work.ts";

/** What all contenders do, one after the other, and how often. */
export interface Contest extends Load {
  latencyMs: number;
  /** How often each is measured; those that are not compared with a target, `others` times. */
  repeats: number;
  others: number;
  /** This project's settings. */
  settings?: NodeJS.ProcessEnv;
}

/** All measurements of each contender: those of the same place in the lists were made one after the other. */
export type Outcome = Map<string, Measurement[]>;

/** Those that send in sequence get one in this many messages. */
const SEQUENCE_SHARE = 10;

/** With a key this project awaits receipts: each intent has its entries in their indexes, too. */
export const WEBHOOK_KEY = "a-made-up-webhook-key";

/** Before anything counts, each sends this share of the messages, so that its code is warm. */
export const WARM_UP_SHARE = 0.2;

/**
 * Lets every contender send the same, several times: in each round one after the other, so that what the machine does
 * meanwhile meets all of them.
 */
export async function holdContest(lab: Lab, contest: Contest, tell: Tell): Promise<Outcome> {
  const waha = await openWahaFor(contest);
  const database = (entry: Entry) => `contest-${ENTRIES.indexOf(entry)}`;
  const running = new Map<Entry, Contender>();
  const outcome: Outcome = new Map(ENTRIES.map(({ name }) => [name, []]));
  for (let round = 0; round <= contest.repeats; round += 1) {
    const scale = round === 0 ? WARM_UP_SHARE : 1;
    for (const entry of ENTRIES) {
      if (round > (isCompared(entry) ? contest.repeats : contest.others)) continue;
      const settings = { WAHA_WEBHOOK_KEY: WEBHOOK_KEY, ...contest.settings };
      const place = { database: database(entry), waha, settings };
      const contender = running.get(entry) ?? lab.start(entry, place);
      running.set(entry, contender);
      const work = makeWork(shareOf(contest, entry, scale), new Date());
      const run = await measure(lab, { database: place.database, waha, contenders: [contender], work });
      if (round === 0) continue;
      outcome.get(entry.name)?.push(run);
      tell(`${entry.name}: ${Math.round(run.messages / run.seconds)}/s`);
    }
  }
  for (const contender of running.values()) await contender.end();
  for (const entry of running.keys()) await lab.client.db(database(entry)).dropDatabase();
  await waha.stop();
  return outcome;
}

/** The floors and this project: what the targets are about. */
function isCompared({ program }: Entry): boolean {
  return program === "floor" || program === "safeFloor" || program === "ours";
}

function shareOf({ messages, sessions, hotShare }: Load, { inSequence }: Entry, scale: number): Load {
  const share = Math.ceil((messages * scale) / (inSequence ? SEQUENCE_SHARE : 1));
  return { messages: share, sessions, ...(hotShare === undefined ? {} : { hotShare }) };
}

/** A WAHA with the sessions of a load, on an engine that has message ids. */
export function openWahaFor({ sessions, latencyMs }: { sessions: number; latencyMs: number }): Promise<Waha> {
  const names = makeWork({ messages: 0, sessions }, new Date()).world.sessions.map(({ name }) => ({ name }));
  return startWaha({ latencyMs, engine: "NOWEB", sessions: names });
}

/** The measurements of this project. */
export function oursOf(outcome: Outcome): Measurement[] {
  return outcome.get(OURS) ?? [];
}
