import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeDatabases } from "../../lib/mongo/client.ts";
import { type Arena, openArena } from "./database/arena.ts";
import type { Bug } from "./instances/plant.ts";
import { buildProgram } from "./instances/program.ts";

/** What all rounds share; each part is made when it is first asked for. */
export interface Lab {
  /**
   * Where a round takes place. A replica set of one node, which all rounds share, takes a third of the work of one of
   * three, which a round needs only if its primary is to step down, and then has to itself: no other round is to be
   * disturbed by that.
   */
  lend(failover: boolean): Promise<Arena>;
  /** Takes back what was lent, once the round is over. */
  takeBack(arena: Arena): void;
  /** What the processes run; with a defect in it if one is given. */
  program(bug?: Bug): Promise<string>;
  /** A name for one playing of a round, which its database bears: the same round may be played more than once, and at once. */
  nameOf(round: number): string;
  /** For the processes: compiled once, loaded many times. */
  compileCache: string;
  close(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), "waha-scheduler-chaos-"));
  let shared: Promise<Arena> | undefined;
  const withFailover = new Set<Arena>();
  const free: Arena[] = [];
  const programs = new Map<Bug | undefined, Promise<string>>();
  let played = 0;
  return {
    nameOf: (round) => `p${played++}r${round}`,
    lend: async (failover) => {
      if (!failover) {
        shared ??= openArena(1);
        return shared;
      }
      const arena = free.pop() ?? (await openArena(3));
      withFailover.add(arena);
      return arena;
    },
    takeBack: (arena) => {
      if (withFailover.has(arena)) free.push(arena);
    },
    program: (bug) => {
      const built = programs.get(bug) ?? buildProgram(folder, bug);
      programs.set(bug, built);
      return built;
    },
    compileCache: join(folder, "compiled"),
    close: async () => {
      await closeDatabases();
      await (await shared)?.close();
      for (const arena of withFailover) await arena.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
