import { MAPPINGS, type MappingName } from "../../../lib/documents/mapping.ts";
import type { WahaSimulatorOptions } from "../../waha-simulator/options.ts";
import { lifetimesOf } from "../lifetimes.ts";
import { randomFor } from "../random.ts";
import type { Event, Trigger } from "./events.ts";
import { dealKills, needsOf } from "./kills.ts";
import { planTroubles } from "./troubles.ts";
import { planWorld, type WorldPlan } from "./world.ts";

/** One round, from its seed alone: the same seed gives the same plan. */
export interface RoundPlan {
  seed: string;
  round: number;
  /** The function's settings that compress time, and others that vary. */
  settings: Record<string, string>;
  /** Whose names the app's documents have. */
  documents: MappingName;
  waha: WahaSimulatorOptions;
  world: WorldPlan;
  /** The database's primary steps down, perhaps more than once. */
  failover: boolean;
  triggers: Trigger[];
  events: Event[];
  stormMs: number;
}

/**
 * Plans a round.
 *
 * @param points the points at which requests can be met, each to be hit many times over many rounds
 * @param hasKills without, no process is killed: such rounds are shorter, and more is sent in them
 */
export function planRound(
  seed: string,
  round: number,
  points: readonly string[],
  hasKills = true,
): RoundPlan {
  const random = randomFor(seed, "round", round);
  const { documents, turn } = turnOf(round);
  const kills = hasKills ? dealKills(`${seed}/${documents}`, turn, reachedBy(points, documents), random) : [];
  const needs = needsOf(kills);
  const { settings, ...world } = planWorld(random, needs, documents);
  const failover = random.chance(0.15);
  const leaseMs = lifetimesOf(Number(settings.PASS_SECONDS)).lease;
  const troubles = planTroubles(points, kills, needs, { failover, leaseMs }, random);
  return { seed, round, documents, failover, settings, ...world, ...troubles };
}

/** Every third round has the names of whatsapp-waha-dashboard. Each of the two apps has a deck of kills of its own. */
function turnOf(round: number): { documents: MappingName; turn: number } {
  const thirds = Math.floor(round / 3);
  return round % 3 === 2
    ? { documents: "whatsapp-waha-dashboard", turn: thirds }
    : { documents: "plain", turn: round - thirds };
}

/** Only an app with groups is asked for them. */
function reachedBy(points: readonly string[], documents: MappingName): readonly string[] {
  return MAPPINGS[documents].groups ? points : points.filter((point) => point !== "find-groups");
}
