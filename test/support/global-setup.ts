import type { TestProject } from "vitest/node";
import { findMongod } from "../../dev/mongod/find.ts";
import { startMongod } from "../../dev/mongod/start.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A mongod for each worker, since a fail point is a whole server's; no database is named in them. */
    mongoUrls: string[];
  }
}

/**
 * Starts a mongod for each worker, with fail points enabled.
 *
 * @returns what stops them after the last test
 */
export default async function setup({ config, provide }: TestProject): Promise<() => Promise<void>> {
  // One of them must fetch it, if it is not here yet, before the others look for it.
  await findMongod();
  const workers = Array.from({ length: config.maxWorkers });
  const args = [
    "--setParameter=enableTestCommands=1",
    "--setParameter=diagnosticDataCollectionEnabled=false",
  ];
  const mongods = await Promise.all(workers.map(() => startMongod({ args })));
  provide(
    "mongoUrls",
    mongods.map((mongod) => mongod.url("")),
  );
  return async () => {
    await Promise.all(mongods.map((mongod) => mongod.stop()));
  };
}
