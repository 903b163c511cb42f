import type { Db } from "mongodb";
import type { HostedFunction } from "../host/function.ts";
import type { WahaSimulator } from "../waha-simulator/server.ts";
import type { Crew } from "./crew.ts";
import type { Arena } from "./database/arena.ts";
import type { RoundPlan } from "./plan/plan.ts";
import type { Outage } from "./record.ts";
import type { Saboteur } from "./saboteur.ts";
import type { Stalls } from "./stalls.ts";
import type { Decoy } from "./waha/decoy.ts";
import type { WahaGateway } from "./waha/gateway.ts";
import type { Witness } from "./witness.ts";
import type { App } from "./world/app.ts";

/** Everything that takes part in a round. */
export interface Stage {
  plan: RoundPlan;
  arena: Arena;
  db: Db;
  waha: WahaSimulator;
  gateway: WahaGateway;
  /** Where WAHA's events go: an instance that is not disturbed, as what is lost on the way is lost in WAHA. */
  listener: HostedFunction;
  decoy: Decoy;
  app: App;
  crew: Crew;
  saboteur: Saboteur;
  witness: Witness;
  /** The names of the app's sessions, by their ids as texts. */
  sessions: Map<string, string>;
  /** The key that WAHA asks for. */
  key: string;
  /** Times in which WAHA did not answer as usual. */
  outages: Outage[];
  stalls: Stalls;
  /** When the storm was over. */
  calmFrom: number;
}
