import { setTimeout as sleep } from "node:timers/promises";
import type { Document, MongoClient } from "mongodb";

/**
 * What drivers send of their own accord, about their connections. (The function asks for the time by a `hello` as
 * well, once a pass: that one is not seen here.)
 */
const DRIVERS_OWN = ["hello", "isMaster", "ismaster"];

/** Without a request for this time the server is quiet. */
const QUIET_MS = 50;

/** What the server was asked, how often it read a collection without an index, and how long its process has computed. */
export interface ServerWork {
  requests: number;
  collectionScans: number;
  /** Not known on systems other than Linux. */
  cpuSeconds: number;
}

/** Counts what a MongoDB server is asked, by its own statistics. */
export class RequestCounter {
  readonly #client: MongoClient;
  #last: ServerWork = { requests: 0, collectionScans: 0, cpuSeconds: 0 };

  constructor(client: MongoClient) {
    this.#client = client;
  }

  /** What came since the last call, its own request and what drivers send of their own accord left out. */
  async count(): Promise<ServerWork> {
    const now = await this.#read();
    const { collectionScans, cpuSeconds, requests } = this.#last;
    this.#last = now;
    return {
      requests: now.requests - requests - 1,
      collectionScans: now.collectionScans - collectionScans,
      cpuSeconds: now.cpuSeconds - cpuSeconds,
    };
  }

  /**
   * Waits until the server is quiet: a scheduler may still look for more when it is told to stop. What
   * comes from then on counts.
   */
  async settle(): Promise<void> {
    do await sleep(QUIET_MS);
    while ((await this.count()).requests > 0);
  }

  async #read(): Promise<ServerWork> {
    const status: Document = await this.#client.db("admin").command({ serverStatus: 1 });
    const { extra_info: info, metrics, network } = status;
    const own = DRIVERS_OWN.map((name) => Number(metrics.commands[name]?.total ?? 0));
    return {
      requests: Number(network.numRequests) - own.reduce((sum, count) => sum + count, 0),
      collectionScans: Number(metrics.queryExecutor.collectionScans.total),
      cpuSeconds: (Number(info.user_time_us) + Number(info.system_time_us)) / 1e6,
    };
  }
}
