import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { handleCron } from "../../lib/handler.ts";
import { CRON_PATH } from "./cron.ts";

/** The function, served over HTTP on this computer alone. */
export interface HostedFunction {
  /** Where the cron calls it; by number, as `localhost` may lead to another program's IPv6 port. */
  url: string;
  port: number;
  /**
   * Asks the passes under way to end early, answers their callers, and closes.
   *
   * @param withinMs how long that may take; then connections are cut
   * @returns whether every call was answered
   */
  close(withinMs: number): Promise<boolean>;
}

/**
 * Serves the function as the platform would: its path, and nothing else.
 *
 * @param env the function's settings
 * @param port 0, the default, takes a free one
 * @throws Error of the system if the port is taken
 */
export async function hostFunction(env: NodeJS.ProcessEnv, port = 0): Promise<HostedFunction> {
  const stop = new AbortController();
  const server = createAdaptorServer({
    overrideGlobalObjects: false,
    fetch: (request) =>
      new URL(request.url).pathname === CRON_PATH
        ? handleCron(request, env, { stop: stop.signal })
        : Response.json({ error: "not found" }, { status: 404 }),
  }) as Server;
  // Each connection closes with its answer, so that none kept alive holds up the end.
  server.maxRequestsPerSocket = 1;
  await once(server.listen(port, "127.0.0.1"), "listening");
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}${CRON_PATH}`,
    port: bound,
    close: async (withinMs) => {
      stop.abort();
      const closed = once(server, "close");
      server.close();
      const inTime = await Promise.race([closed.then(() => true), sleep(withinMs, false, { ref: false })]);
      server.closeAllConnections();
      await closed;
      return inTime;
    },
  };
}
