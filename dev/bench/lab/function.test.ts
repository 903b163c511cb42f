import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { buildFunction } from "./function.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

test("the function is built as it is deployed, and no source is written", async () => {
  const folder = await mkdtemp(join(tmpdir(), "built-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const sources = ["api/cron.ts", "package.json", "tsconfig.json", "vercel.json"];
  const writtenAt = () => Promise.all(sources.map(async (path) => (await stat(join(ROOT, path))).mtimeMs));
  const before = await writtenAt();
  const { files } = await buildFunction(folder);
  expect(files).toBeGreaterThan(100);
  expect(await writtenAt()).toEqual(before);
}, 300_000);
