import { createServer } from "node:net";

/**
 * Makes sure that nothing listens on a port: mongod would tell so only in the middle of its log.
 *
 * @throws Error saying what to do if something does, or if this user may not listen there
 */
export async function requireFreePort(host: string, port: number): Promise<void> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", ({ code }: NodeJS.ErrnoException) =>
    reject(new Error(`Port ${port} cannot be used (${code}): stop what listens there, or choose another`)),
  );
  server.listen(port, host, () => server.close(() => resolve()));
  await promise;
}
