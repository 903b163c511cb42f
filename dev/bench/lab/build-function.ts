/**
 * Builds the function as Vercel does for a deployment, with its own builder, into a folder: what runs there runs
 * here. A program of its own, as the builder prints what it does, and keeps much of it in memory.
 */
import { resolve } from "node:path";
import {
  type BuildV3,
  collectUncompressedSize,
  download,
  FileFsRef,
  type Files,
  type Lambda,
} from "@vercel/build-utils";
import * as builder from "@vercel/node";
import type { BuiltFunction } from "./function.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const ENTRYPOINT = "api/cron.ts";

/** The builder exports it for the platform's own tools; its types do not show it. */
const { build } = builder as unknown as { build: BuildV3 };

/** The builder's word for: the packages are there. */
process.env.VERCEL_INSTALL_COMPLETED = "1";

const [folder = ""] = process.argv.slice(2);
const files: Files = {};
for (const path of [ENTRYPOINT, "package.json", "tsconfig.json", "vercel.json"])
  files[path] = await FileFsRef.fromFsPath({ fsPath: resolve(ROOT, path) });
const { output } = await build({
  files,
  entrypoint: ENTRYPOINT,
  workPath: ROOT,
  repoRootPath: ROOT,
  config: { zeroConfig: true },
  // The sources are in place: copied onto themselves they may come out empty.
  meta: { skipDownload: true },
});
const lambda = output as Lambda;
const packed = lambda.files ?? {};
await download(packed, folder);
const built: BuiltFunction = {
  files: Object.keys(packed).length,
  packages: countPackages(Object.keys(packed)),
  bytes: await collectUncompressedSize(packed),
  zipBytes: (await lambda.createZip()).length,
};
process.send?.(built);
process.disconnect();

function countPackages(paths: string[]): number {
  const names = paths.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return new Set(names.filter((name) => name !== undefined)).size;
}
