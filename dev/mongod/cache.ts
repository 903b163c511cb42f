import { randomUUID } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { whyItWontRun } from "./executable.ts";

/**
 * Where a fetched mongod is kept between runs: one file per platform, as a home directory may be shared
 * by machines of different kinds.
 */
export function cachedMongod(env: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), `mongod-${process.platform}-${process.arch}`);
}

/** The XDG base directory specification's cache folder, and ours in it. */
function cacheFolder({ XDG_CACHE_HOME, HOME }: NodeJS.ProcessEnv): string {
  return join(XDG_CACHE_HOME || join(HOME || homedir(), ".cache"), "waha-scheduler");
}

/**
 * Fetches a mongod into the cache. What is in the cache is whole and did run: it is copied there under
 * another name, tried, then given its own in one step. So two processes at once do no harm; the later one
 * replaces the earlier one's file by an equal one.
 *
 * @param fetch puts a mongod into the given empty folder (or finds one elsewhere) and returns its path
 * @returns the path in the cache
 * @throws what `fetch` throws, or an Error saying why the fetched file does not run
 */
export async function intoCache(
  env: NodeJS.ProcessEnv,
  fetch: (folder: string, env: NodeJS.ProcessEnv) => Promise<string>,
): Promise<string> {
  const cached = cachedMongod(env);
  const staged = `${cached}.${randomUUID()}`;
  const folder = await mkdtemp(join(tmpdir(), "waha-scheduler-mongod-"));
  try {
    await mkdir(dirname(cached), { recursive: true });
    await copyFile(await fetch(folder, env), staged);
    await chmod(staged, 0o755);
    const fault = await whyItWontRun(staged);
    if (fault) throw new Error(fault);
    await rename(staged, cached);
    return cached;
  } finally {
    await rm(staged, { force: true });
    await rm(folder, { recursive: true, force: true });
  }
}
