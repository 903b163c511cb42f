import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How long the download may go without a sign of life, and how long it may take in all. */
export type Limits = { silenceMs: number; totalMs: number };

/** memory-server reports progress every 2 s; unpacking, some seconds, is its only longer silence. */
const LIMITS: Limits = { silenceMs: 20_000, totalMs: 600_000 };

const CHILD = fileURLToPath(new URL("download-child.ts", import.meta.url));

/** What the child process answers. */
export type Answer = { path: string } | { reason: string };

/**
 * Has mongodb-memory-server download a mongod of its default version, in a child process: only so can it
 * be given up on, and kept from writing to the terminal.
 *
 * @param folder where it goes, unless memory-server's own settings or folders have one already
 * @param env the child's environment; memory-server's settings (MONGOMS_…) are read from it
 * @returns the path of the mongod
 * @throws Error whose message is the reason in one line
 */
export async function download(
  folder: string,
  env: NodeJS.ProcessEnv,
  limits: Limits = LIMITS,
): Promise<string> {
  const child = fork(CHILD, [folder], {
    silent: true,
    execArgv: [],
    // One try, as there is another source to turn to. Certificates are checked only if npm says so.
    env: { MONGOMS_MAX_RETRIES: "1", ...env, npm_config_strict_ssl: "true" },
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const giveUp = () => reject(new Error("the download host does not answer, or too slowly"));
  const total = setTimeout(giveUp, limits.totalMs);
  const silence = setTimeout(giveUp, limits.silenceMs);
  child.stdout?.on("data", () => silence.refresh());
  child.stderr?.resume();
  child.on("message", (answer: Answer) => {
    if ("path" in answer) resolve(answer.path);
    else reject(new Error(answer.reason));
  });
  child.on("error", reject);
  child.on("exit", (code, signal) => reject(new Error(`the download ended early (${signal ?? code})`)));
  try {
    return await promise;
  } finally {
    clearTimeout(total);
    clearTimeout(silence);
    child.kill("SIGKILL");
  }
}
