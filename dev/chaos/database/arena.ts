import { type Db, MongoClient } from "mongodb";
import { ConnectionString } from "mongodb-connection-string-url";
import { startMongod } from "../../mongod/start.ts";
import type { DatabaseRequest, Interceptor } from "./intercept.ts";
import { startDatabaseProxy } from "./proxy.ts";

/** A replica set with a proxy before it; rounds share it, each with a database of its own. */
export interface Arena {
  /** A round's database, asked directly; empty. */
  openDatabase(round: string): Promise<Db>;
  /** The address of a round's database for one of its processes, by way of the proxy. */
  url(round: string, instance: string): string;
  /** The same, past the proxy: for what is not to be disturbed. */
  directUrl(round: string): string;
  /** Has the requests of a round's processes decided about; returns what ends that. */
  intercept(round: string, interceptor: Interceptor): () => void;
  /** Makes the primary step down; another node takes over. */
  stepDown(): Promise<void>;
  close(): Promise<void>;
}

const databaseName = (round: string) => `chaos-${round}`;

/** A process is named for its round: `p9r12i3` is a process of round 12. */
const roundOf = (instance: string) => instance.split("i")[0] ?? "";

export async function openArena(nodes: number): Promise<Arena> {
  const mongod = await startMongod({ nodes });
  const client = await new MongoClient(mongod.url("admin"), {
    writeConcern: { w: "majority" },
    readConcern: { level: "majority" },
  }).connect();
  const interceptors = new Map<string, Interceptor>();
  const of = ({ client: instance }: DatabaseRequest) => interceptors.get(roundOf(instance));
  const proxy = await startDatabaseProxy(new ConnectionString(mongod.url("")).hosts, {
    // A round that is over has no interceptor left to decide.
    onRequest: (request) => of(request)?.onRequest(request) ?? "break",
    onReply: (request, reply) => of(request)?.onReply(request, reply) ?? "break",
  });
  return {
    openDatabase: async (round) => {
      const db = client.db(databaseName(round));
      await db.dropDatabase();
      return db;
    },
    url: (round, instance) => proxy.url(databaseName(round), instance),
    directUrl: (round) => mongod.url(databaseName(round)),
    intercept: (round, interceptor) => {
      interceptors.set(round, interceptor);
      return () => interceptors.delete(round);
    },
    stepDown: async () => {
      // It answers by closing the connection, or refuses while an election is under way.
      await client
        .db("admin")
        .command({ replSetStepDown: 5, secondaryCatchUpPeriodSecs: 1 })
        .catch(() => {});
    },
    close: async () => {
      await Promise.all([client.close(), proxy.close()]);
      await mongod.stop();
    },
  };
}
