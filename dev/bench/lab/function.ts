import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nextMessage, startChild } from "../../host/process.ts";

const BUILDER = fileURLToPath(new URL("build-function.ts", import.meta.url));

/** What Vercel would deploy. */
export interface BuiltFunction {
  files: number;
  packages: number;
  bytes: number;
  zipBytes: number;
}

/**
 * Builds the function into a folder, as it is deployed.
 *
 * @throws Error if the builder fails; it has told why
 */
export async function buildFunction(folder: string): Promise<BuiltFunction> {
  const child = startChild(BUILDER, { HOME: process.env.HOME }, [folder]);
  return nextMessage<BuiltFunction>(child).catch((cause: Error) => {
    throw new Error("the function could not be built", { cause });
  });
}

/** A copy of a built function that the platform would let run for this many seconds. */
export async function allowSeconds(folder: string, maxDuration: number): Promise<string> {
  const copy = `${folder}-${maxDuration}-seconds`;
  await cp(folder, copy, { recursive: true });
  const file = join(copy, "vercel.json");
  const vercel = JSON.parse(await readFile(file, "utf8"));
  for (const settings of Object.values<{ maxDuration: number }>(vercel.functions))
    settings.maxDuration = maxDuration;
  await writeFile(file, JSON.stringify(vercel));
  return copy;
}
