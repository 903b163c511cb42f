import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Connection } from "./connection.ts";
import type { Interceptor } from "./intercept.ts";

/** A database as the processes under test see it. */
export interface DatabaseProxy {
  /** The connection string with this database, for the process that calls itself `client`. */
  url(database: string, client: string): string;
  /**
   * Breaks every connection and accepts no more; held requests stay unforwarded.
   *
   * @throws whatever the interceptor threw first, if it ever did; its connection broke then
   */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
/** The name of every replica set that this repository starts. */
const REPLICA_SET = "dev";

/**
 * Puts itself between a replica set and its clients, one port for each node, and asks the interceptor about each
 * request of theirs and each reply to one. A client never learns of the nodes' own addresses, so that everything
 * that it sends comes this way, also after a failover. Once a client is gone the interceptor is not asked about the reply to
 * its last request.
 *
 * @param hosts the nodes, each as `host:port`, spelled as the replica set's configuration does
 */
export async function startDatabaseProxy(hosts: string[], interceptor: Interceptor): Promise<DatabaseProxy> {
  const connections = new Set<Connection>();
  const addresses = new Map<string, string>();
  const defects: unknown[] = [];

  async function relay(client: Socket, host: string): Promise<void> {
    const connection = new Connection(client, connectTo(host), addresses, interceptor);
    connections.add(connection);
    await connection.run().catch((error: unknown) => defects.push(error));
    connections.delete(connection);
  }

  const listen = async (host: string) => {
    const server = createServer({ noDelay: true }, (client) => void relay(client, host));
    await once(server.listen(0, HOST), "listening");
    addresses.set(host, `${HOST}:${(server.address() as AddressInfo).port}`);
    return server;
  };
  const servers = await Promise.all(hosts.map(listen));

  return {
    url: (database, client) => {
      const options = new URLSearchParams({ replicaSet: REPLICA_SET, appName: client });
      return `mongodb://${[...addresses.values()].join(",")}/${database}?${options}`;
    },
    close: async () => {
      const closed = servers.map((server) => once(server.close(), "close"));
      for (const connection of connections) connection.destroy();
      await Promise.all(closed);
      if (defects.length > 0) throw defects[0];
    },
  };
}

function connectTo(address: string): Socket {
  const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
  if (host === undefined) throw new TypeError(`${address} is no host:port`);
  return connect({ host, port: Number(port), noDelay: true });
}
