import type { Fault } from "../../waha-simulator/faults.ts";
import { type Random, randomFor } from "../random.ts";
import type { Side, Trigger } from "./events.ts";

/** How many processes a round is to kill. */
const KILLS_A_ROUND = 26;

/** How many cards for each side the deck has of a point that many a round does not reach; of the others it has one. */
const DEALT_TIMES = new Map([
  ...["settle-campaigns"].map(times(5)),
  ...["late-sent", "forget-settled"].map(times(5)),
  ...["strike-session", "change-alerts"].map(times(4)),
  ...["find-groups", "postpone-campaigns"].map(times(3)),
  ...["read-alerts", "clear-strikes", "create-index", "leave-leases", "sendMedia"].map(times(3)),
  ...["create-indexes", "find-unfinished", "count-campaign", "record-last-pass"].map(times(2)),
  ...["missed", "set-back-flags", "lookup", "read-writes", "lookup-again", "claim"].map(times(2)),
  ...["intent-and-outcome", "outcome", "get-more"].map(times(2)),
  ...["release-claims", "return-leases"].map(times(2)),
]);

function times(count: number): (point: string) => [point: string, times: number] {
  return (point) => [point, count];
}

/**
 * The round's share of a deck that holds each point's both sides; dealt to the end, it is shuffled anew. So each is
 * killed at about as often as any other, whatever chance says.
 */
export function dealKills(seed: string, round: number, points: readonly string[], random: Random): Trigger[] {
  const sides: Side[] = ["before", "after"];
  const cards = points
    .flatMap((point) => Array<string>(DEALT_TIMES.get(point) ?? 1).fill(point))
    .flatMap((point) => sides.map((side) => ({ point, side })));
  return Array.from({ length: KILLS_A_ROUND }, (_, place) => {
    const dealt = round * KILLS_A_ROUND + place;
    const deck = randomFor(seed, "deck", Math.floor(dealt / cards.length)).shuffled(cards);
    const card = deck[dealt % cards.length] as (typeof cards)[number];
    if (RARE.has(card.point)) return { ...card, nth: 1, act: { type: "kill" } };
    return { ...card, nth: random.pick([1, 1, 1, 2]), act: { type: "kill" }, fromMs: random.int(3000, 5000) };
  });
}

/**
 * Points that only a pass reaches that has got far, and not every one of these: there the first one to come is killed.
 * The others are killed later, since a pass that is killed early keeps its sessions from the others for a while.
 */
const RARE = new Set([
  ...["create-indexes", "create-index", "sendMedia"],
  ...["get-more", "read-writes", "strike-session", "clear-strikes", "late-sent", "forget-settled"],
  ...["settle-campaigns", "intent", "intent-and-outcome", "outcome", "sendText"],
  ...["release-claims", "return-leases", "leave-leases", "find-next-due", "claim"],
  ...["missed", "set-back-flags", "lookup", "lookup-result", "lookup-again"],
]);

/** What a round must have for its kills to come about. */
export interface Needs {
  /** More messages that are too late than the sweep reads at once. */
  crowd: boolean;
  /** Sessions against which outcomes have spoken before: the first message that is accepted clears them. */
  struck: boolean;
  /** Campaigns that the first pass to reach its end settles. */
  nearlyOver: boolean;
  /** Passes that stay. */
  stays: boolean;
  /** Passes no shorter than this. */
  leastPassSeconds: number;
  /** Patience with WAHA, no less than this. */
  leastTimeoutMs: number;
  settings: Record<string, string>;
  triggers: Trigger[];
  faults: Fault[];
}

/** An answer comes so late that its message was given up. */
const LATE = ["late-sent", "forget-settled"];

/** What WAHA does so that passes reach some points. */
const FAULTS: [points: string[], fault: Fault][] = [
  [LATE, { match: { route: "sendText" }, action: { type: "sendLate", ms: 1400 }, times: 40 }],
  // WhatsApp throttles an account: it rests.
  [
    ["strike-session"],
    {
      match: { route: "sendText", session: "account-0" },
      action: { type: "gowsRefusal", code: 429 },
      times: 30,
    },
  ],
];

/** Points that few passes reach by themselves, and what leads there. */
export function needsOf(kills: Trigger[]): Needs {
  const killsAt = (...points: string[]) => kills.some(({ point }) => points.includes(point));
  const late = killsAt(...LATE);
  const crowd = killsAt("get-more");
  return {
    crowd,
    struck: killsAt("clear-strikes"),
    nearlyOver: killsAt("settle-campaigns"),
    // Only a pass that stays asks what falls due next.
    stays: killsAt("find-next-due"),
    // Time for one message to be given up while its answer is still to come, or for a long sweep.
    leastPassSeconds: late || crowd ? 4 : 0,
    leastTimeoutMs: late ? 2200 : 0,
    // The first lookup is late enough to give up.
    settings: late ? { RECONCILE_AFTER_SECONDS: "0.4", UNKNOWN_AFTER_SECONDS: "0.3" } : {},
    triggers: killsAt("create-index") ? [refuseIndexes] : [],
    faults: FAULTS.filter(([points]) => killsAt(...points)).map(([, fault]) => fault),
  };
}

/** The database refuses to make indexes: then each is made by itself. */
const refuseIndexes: Trigger = {
  point: "create-indexes",
  side: "before",
  nth: 1,
  act: { type: "refuse", code: 13 },
};
