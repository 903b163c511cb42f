import { type ChildProcess, fork } from "node:child_process";

/** Processes that must not outlive this one, also where it ends by an error. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/**
 * Starts a program of this project in a process of its own, to talk to by messages. What it prints is dropped, but
 * for its errors.
 *
 * @param env its settings, and nothing else of this process's environment but the way to Node's programs
 */
export function startChild(program: string, env: NodeJS.ProcessEnv, args: string[] = []): ChildProcess {
  const child = fork(program, args, {
    env: { PATH: process.env.PATH, ...env },
    execArgv: [],
    // Not inherited: whoever waits for this process's output to end would wait for the child, too.
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.on("data", (chunk) => process.stderr.write(chunk));
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  return child;
}
