/**
 * The process that owns a shielded mongod (`mongod.ts`): `mongod-owner.ts <database>`, forked. It lasts as
 * long as its channel to the parent, which closes on request and also however the parent ends.
 */
import { startMongod } from "../mongod/start.ts";
import type { StartReport } from "./mongod.ts";

const [databaseName = ""] = process.argv.slice(2);
const { promise: abandoned, resolve } = Promise.withResolvers<void>();
process.once("disconnect", resolve);

try {
  const mongod = await startMongod();
  if (process.connected) process.send?.({ url: mongod.url(databaseName) } satisfies StartReport);
  else resolve();
  await abandoned;
  await mongod.stop();
} catch (error) {
  if (process.connected) process.send?.({ problem: (error as Error).message } satisfies StartReport);
  process.exitCode = 1;
  if (process.connected) process.disconnect();
}
