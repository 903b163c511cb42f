import { randomInt } from "node:crypto";
import { requireFreePort } from "../../dev/mongod/port.ts";

/** Linux and macOS give none of these to those that ask for any port, so one that is left for a while stays free. */
const FIRST = 20_000;
const OF_EACH_WORKER = 3_000;

let place = randomInt(OF_EACH_WORKER);

/** A port of 127.0.0.1 that no other worker of this run takes, also while nothing listens there. */
export async function freePort(): Promise<number> {
  const worker = Number(process.env.VITEST_POOL_ID) - 1;
  for (;;) {
    place = (place + 1) % OF_EACH_WORKER;
    const port = FIRST + worker * OF_EACH_WORKER + place;
    if (await isFree(port)) return port;
  }
}

const isFree = (port: number) =>
  requireFreePort("127.0.0.1", port).then(
    () => true,
    () => false,
  );
