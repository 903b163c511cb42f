import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

/**
 * Runs a program, and ends the process with the code that it resolves with; with 1 and its words alone where it
 * fails. Left to end by itself, Node 24.21 was seen to wait for ever for handles that are long closed.
 */
export async function runProgram(main: () => Promise<number>): Promise<never> {
  const exitCode = await main().catch((error: Error) => {
    console.error(error.message);
    return 1;
  });
  process.exit(exitCode);
}

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
    // Not inherited: a reader of this process's output would wait for the child's end, too.
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.on("data", (chunk) => process.stderr.write(chunk));
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  return child;
}

/**
 * The next message of a child that was started so.
 *
 * @param withinMs how long it may take; by default, any time
 * @throws Error if it ends without one, or takes too long
 */
export async function nextMessage<T>(child: ChildProcess, withinMs?: number): Promise<T> {
  const ended = new AbortController();
  const onExit = () => ended.abort();
  if (child.exitCode !== null || child.signalCode !== null) onExit();
  child.once("exit", onExit);
  const limits = withinMs === undefined ? [] : [AbortSignal.timeout(withinMs)];
  try {
    const [message] = await once(child, "message", { signal: AbortSignal.any([ended.signal, ...limits]) });
    return message;
  } catch (error) {
    throw new Error(ended.signal.aborted ? "its process ended" : "it took too long", { cause: error });
  } finally {
    child.off("exit", onExit);
  }
}

/**
 * The most memory that this process has held since it began, in bytes. On Linux `maxRSS` is no less than what the
 * process held that this one was forked from: it outlives `exec`.
 */
export function peakMemory(): number {
  const status = process.platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "";
  const peakKB = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return Number(peakKB) * 1024;
}
