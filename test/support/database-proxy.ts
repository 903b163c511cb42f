import { ConnectionString } from "mongodb-connection-string-url";
import { onTestFinished } from "vitest";
import type {
  DatabaseRequest,
  Interceptor,
  ReplyFate,
  RequestFate,
} from "../../dev/chaos/database/intercept.ts";
import { type DatabaseProxy, startDatabaseProxy } from "../../dev/chaos/database/proxy.ts";
import { closeDatabases } from "../../lib/mongo/client.ts";

/** The nodes that a connection string names. */
export const hostsOf = (url: string) => new ConnectionString(url).hosts;

/** An interceptor that lets everything pass, except as told, and remembers all that it was asked. */
export class Watcher implements Interceptor {
  readonly requests: DatabaseRequest[] = [];
  readonly replied: DatabaseRequest[] = [];
  readonly #plan: Partial<Interceptor>;

  constructor(plan: Partial<Interceptor> = {}) {
    this.#plan = plan;
  }

  get points(): string[] {
    return this.requests.map(({ point }) => point);
  }

  onRequest(request: DatabaseRequest): Promise<RequestFate> | RequestFate {
    this.requests.push(request);
    return this.#plan.onRequest?.(request) ?? "forward";
  }

  onReply(...asked: Parameters<Interceptor["onReply"]>): Promise<ReplyFate> | ReplyFate {
    this.replied.push(asked[0]);
    return this.#plan.onReply?.(...asked) ?? "deliver";
  }
}

/** A proxy before the database of a connection string, until the test ends. */
export async function proxyBefore(url: string, interceptor: Interceptor): Promise<DatabaseProxy> {
  const proxy = await startDatabaseProxy(hostsOf(url), interceptor);
  onTestFinished(async () => {
    // First: a driver that says goodbye looks for its server for seconds.
    await closeDatabases();
    await proxy.close();
  });
  return proxy;
}
