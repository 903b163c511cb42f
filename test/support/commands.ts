import type { Document, MongoClient } from "mongodb";
import { expect } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { openDatabase } from "../../lib/mongo/client.ts";
import type { World } from "./world.ts";

/** A command that the function sent to the database. */
export interface RecordedCommand {
  name: string;
  collection: string;
  command: Document;
}

/**
 * Records every command that the function sends to the database from now on; to be called before its first
 * call, since only then the driver can be told to report them.
 */
export function recordCommands(world: World): RecordedCommand[] {
  const recorded: RecordedCommand[] = [];
  monitoredClient(world).on("commandStarted", ({ commandName, command }) => {
    recorded.push({ name: commandName, collection: String(command[commandName]), command });
  });
  return recorded;
}

/**
 * Records how many requests each round holds: those that are under way together, from a moment with none to the next.
 * One that waits for a connection is under way. To be called as `recordCommands`.
 */
export function recordRounds(world: World): number[] {
  const rounds: number[] = [];
  let underWay = 0;
  const client = monitoredClient(world);
  client.on("connectionCheckOutStarted", () => {
    if (underWay === 0) rounds.push(0);
    rounds.push((rounds.pop() ?? 0) + 1);
    underWay += 1;
  });
  client.on("connectionCheckedIn", () => {
    underWay -= 1;
  });
  return rounds;
}

/** The client of the function's next call, told to report its commands. */
function monitoredClient(world: World): MongoClient {
  const url = new URL(world.env.DATABASE_URL ?? "");
  url.searchParams.set("monitorCommands", "true");
  world.env.DATABASE_URL = url.toString();
  const { messages } = openDatabase(parseConfig(world.env));
  // The driver's types do not show it.
  return (messages as unknown as { client: MongoClient }).client;
}

/** Parts of a command that belong to a connection and that `explain` does not take. */
const OF_THE_CONNECTION = [
  "lsid",
  "txnNumber",
  "$clusterTime",
  "$db",
  "writeConcern",
  "ordered",
  "$readPreference",
];

/** The names of the stages with which the server would run a recorded command, every update of a bulk included. */
export async function explainStages(world: World, { name, command }: RecordedCommand): Promise<string[]> {
  const bare = Object.fromEntries(
    Object.entries(command).filter(([key]) => !OF_THE_CONNECTION.includes(key)),
  );
  const each =
    name === "update" ? bare.updates.map((update: Document) => ({ ...bare, updates: [update] })) : [bare];
  const plans = [];
  for (const single of each)
    plans.push(await world.db.command({ explain: single, verbosity: "queryPlanner" }));
  const stages = new Set<string>();
  JSON.stringify(plans, (key, value) => {
    // What the planner weighed and rejected is not what runs.
    if (key === "rejectedPlans") return undefined;
    if (key === "stage") stages.add(value.toString());
    // The index of all documents from end to end: nothing is found by it.
    if (key === "indexBounds" && value._id?.[0] === "[MinKey, MaxKey]") stages.add("COLLSCAN");
    return value;
  });
  return [...stages];
}

/** The stages that read a query's documents by an index, or find that there are none. */
const BY_INDEX = ["IXSCAN", "IDHACK", "EOF", "COUNT_SCAN"];

/** Holds that each of some recorded queries is served by an index, in every part of it. */
export async function expectServedByIndexes(world: World, queries: RecordedCommand[]): Promise<void> {
  for (const query of queries) {
    const stages = await explainStages(world, query);
    const text = JSON.stringify([query.command, stages]);
    expect(stages, text).not.toContain("COLLSCAN");
    expect(
      stages.some((stage) => BY_INDEX.includes(stage)),
      text,
    ).toBe(true);
  }
}
