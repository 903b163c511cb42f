/**
 * Serves a function, named as its file, as `vercel dev` does, with this process's environment; prints its address.
 * It ends with its process group: the platform's server is a child that outlives its parent otherwise.
 */
import { resolve } from "node:path";
import { FileFsRef, type StartDevServer } from "@vercel/build-utils";
import * as builder from "@vercel/node";

/** The builder exports it for the platform's own tools; its types do not show it. */
const { startDevServer } = builder as unknown as { startDevServer: StartDevServer };

const root = resolve(import.meta.dirname, "../..");
const [entrypoint = ""] = process.argv.slice(2);
const server = await startDevServer({
  files: { [entrypoint]: await FileFsRef.fromFsPath({ fsPath: resolve(root, entrypoint) }) },
  entrypoint,
  workPath: root,
  repoRootPath: root,
  config: { zeroConfig: true },
  meta: { isDev: true },
});
if (!server) throw new Error("the platform's dev server did not start");
console.log(`serving http://localhost:${server.port}/${entrypoint.replace(/\.ts$/, "")}`);
