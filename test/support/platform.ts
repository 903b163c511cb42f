import { resolve } from "node:path";
import { FileFsRef, type StartDevServer } from "@vercel/build-utils";
import * as builder from "@vercel/node";
import { onTestFinished } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

/** The builder exports it for the platform's own tools; its types do not show it. */
const { startDevServer } = builder as unknown as { startDevServer: StartDevServer };

/** Starts a function as `vercel dev` does, until the test ends; gives its address. */
export async function startFunction(
  env: NodeJS.ProcessEnv,
  entrypoint: `api/${string}.ts` = "api/cron.ts",
): Promise<string> {
  const files = { [entrypoint]: await FileFsRef.fromFsPath({ fsPath: resolve(ROOT, entrypoint) }) };
  const server = await startDevServer({
    files,
    entrypoint,
    workPath: ROOT,
    repoRootPath: ROOT,
    config: { zeroConfig: true },
    meta: { isDev: true, env: env as Record<string, string> },
  });
  if (!server) throw new Error("the platform's dev server did not start");
  onTestFinished(async () => {
    await server.shutdown?.();
    if (!server.shutdown) process.kill(server.pid);
  });
  return `http://localhost:${server.port}/${entrypoint.replace(/\.ts$/, "")}`;
}
