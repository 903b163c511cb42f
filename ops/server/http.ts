import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { endsInTime } from "./in-time.ts";
import type { Routes } from "./routes.ts";

/** Routes that are being served over HTTP. */
export interface Served {
  port: number;
  /**
   * Takes no more requests, waits for the answers to those under way, and closes.
   *
   * @param withinMs how long that may take; then connections are cut
   * @returns whether every request was answered
   */
  close(withinMs: number): Promise<boolean>;
}

/**
 * Serves routes, each under exactly its path, and nothing else.
 *
 * @param port 0 takes a free one
 * @param host the address to listen on
 * @throws Error of the system if it can't listen there
 */
export async function serve(routes: Routes, port: number, host: string): Promise<Served> {
  const server = createAdaptorServer({
    overrideGlobalObjects: false,
    fetch: (request) =>
      routes.get(new URL(request.url).pathname)?.(request) ??
      Response.json({ error: "not found" }, { status: 404 }),
  }) as Server;
  // Each connection closes with its answer, so that none kept alive holds up the end.
  server.maxRequestsPerSocket = 1;
  await once(server.listen(port, host), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async (withinMs) => {
      const closed = once(server, "close");
      server.close();
      const withTimeout = await endsInTime(closed, withinMs);
      server.closeAllConnections();
      await closed;
      return withTimeout;
    },
  };
}
