import { fork } from "node:child_process";
import { once } from "node:events";

/** A mongod that a Ctrl-C in the terminal does not reach. */
export interface ShieldedMongod {
  url: string;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

/** What the process that owns the mongod tells about its start. */
export type StartReport = { url: string } | { problem: string };

/**
 * Starts an empty mongod in a process group of its own. A terminal sends Ctrl-C to every process of the
 * group: a mongod among them would be gone before the pass could record what it just sent.
 *
 * However this process ends, the mongod ends with it.
 *
 * @param databaseName the database that the connection string names
 * @throws Error in plain words if no mongod can be had
 */
export async function startShieldedMongod(databaseName: string): Promise<ShieldedMongod> {
  const owner = fork(new URL("./mongod-owner.ts", import.meta.url), [databaseName], { detached: true });
  const exited = once(owner, "exit");
  const report = await Promise.race([
    once(owner, "message").then(([message]) => message as StartReport),
    exited.then((): StartReport => ({ problem: "mongod's process ended while it started" })),
  ]);
  if ("problem" in report) throw new Error(report.problem);
  return {
    url: report.url,
    stop: async () => {
      if (owner.connected) owner.disconnect();
      await exited;
    },
  };
}
