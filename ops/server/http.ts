import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { endsWithin } from "../../lib/async.ts";
import { handleCron } from "../../lib/http/cron.ts";
import { type FirstPass, handleHealth } from "../../lib/http/health.ts";
import { handleStatus } from "../../lib/http/status.ts";
import { handleWebhook } from "../../lib/http/webhook.ts";
import type { Host } from "../../lib/pass/run.ts";
import { CRON_PATH } from "./settings.ts";

export const STATUS_PATH = "/api/status";
export const HEALTH_PATH = "/api/health";
export const WEBHOOK_PATH = "/api/waha";

/**
 * Everything that the platform would serve, each under its path, with or without a slash at its end.
 *
 * @param env the settings; see docs/configuration.md
 * @param host what the host of the passes provides
 */
export function createApp(env: NodeJS.ProcessEnv, host: Partial<Host> & FirstPass): Hono {
  return new Hono({ strict: false })
    .all(CRON_PATH, ({ req }) => handleCron(req.raw, env, host))
    .all(STATUS_PATH, ({ req }) => handleStatus(req.raw, env, host))
    .all(HEALTH_PATH, ({ req }) => handleHealth(req.raw, env, host))
    .all(WEBHOOK_PATH, ({ req }) => handleWebhook(req.raw, env))
    .notFound((context) => context.json({ error: "not found" }, 404));
}

/**
 * Connections at a time, where systems often allow 1,024 open files: what strangers hold must leave enough for the
 * database and WAHA. Those beyond are closed at once.
 */
export const MAX_CONNECTIONS = 256;

/** How long a connection has to bring its headers, and its whole request. By default Node allows 60 s and 300 s. */
const LIMITS = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 500 };

/** An app that is being served over HTTP. */
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
 * Serves an app.
 *
 * @param port 0 takes a free one
 * @param host the address to listen on
 * @throws Error of the system if it can't listen there
 */
export async function serve(app: Hono, port: number, host: string): Promise<Served> {
  const server = createAdaptorServer({
    overrideGlobalObjects: false,
    fetch: app.fetch,
    serverOptions: LIMITS,
  }) as Server;
  server.maxConnections = MAX_CONNECTIONS;
  server.maxRequestsPerSocket = 1;
  const silent = new Set<Socket>();
  server.on("connection", (socket) => {
    silent.add(socket);
    socket.once("close", () => silent.delete(socket));
  });
  server.prependListener("request", ({ socket }, response) => {
    silent.delete(socket);
    // The connection ends with its answer: otherwise Node reads on what follows, a body without end, say.
    response.shouldKeepAlive = false;
  });
  await once(server.listen(port, host), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async (withinMs) => {
      const closed = once(server, "close");
      server.close();
      for (const socket of silent) socket.destroy();
      const allAnswered = await endsWithin(closed, withinMs);
      server.closeAllConnections();
      await closed;
      return allAnswered;
    },
  };
}
