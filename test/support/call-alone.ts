import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { SECRET, type World } from "./world.ts";

const run = promisify(execFile);

/** How a call differs from the cron's. */
export interface CallOptions {
  /** Other settings than the world's. */
  settings?: NodeJS.ProcessEnv;
  secret?: string;
  query?: string;
  /** For the runtime itself. */
  args?: string[];
  /** Kills the process when it is aborted. */
  signal?: AbortSignal;
}

/** What a call of the function came to, all that it printed included, and its memory at the most in kB. */
export interface CallAlone {
  status: number;
  body: string;
  maxRss: number;
  output: string;
}

/** Calls the function in a process of its own. */
export async function callAlone(world: World, options: CallOptions = {}): Promise<CallAlone> {
  const { settings = {}, secret = SECRET, query = "", args = [], signal } = options;
  const env = { PATH: process.env.PATH, ...world.env, ...settings };
  const script = ["test/support/call-once.ts", secret, query];
  const { stdout, stderr } = await run(process.execPath, [...args, ...script], {
    env,
    signal,
    killSignal: "SIGKILL",
  });
  const answer = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  return { ...answer, output: stdout + stderr };
}
