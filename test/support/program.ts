import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

/** Settings that the environment may hold; a program gets none of them unless given. */
const NO_SETTINGS = {
  DATABASE_URL: undefined,
  WAHA_API_URL: undefined,
  WAHA_API_KEY: undefined,
  CRON_SECRET: undefined,
  STATUS_SECRET: undefined,
  PORT: undefined,
  HOST: undefined,
  TICK_SECONDS: undefined,
  LOG_LEVEL: undefined,
  FORCE_COLOR: undefined,
};

/** A running command line of this project, in a process group of its own, as a terminal makes one. */
export class Program {
  readonly #child: ChildProcess;
  /** Resolves to its exit code and signal once it has ended and all its output is here. */
  readonly exited: Promise<unknown[]>;
  /** All that it printed. */
  output = "";

  constructor(command: string, args: string[], env: NodeJS.ProcessEnv, cwd: string) {
    this.#child = spawn(command, args, {
      env: { ...process.env, ...NO_SETTINGS, ...env },
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.exited = once(this.#child, "close");
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        this.#child.emit("output");
      });
  }

  /** What the pattern's group catches, once the output has it. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found) return found[1] ?? "";
      const ended = await Promise.race([once(this.#child, "output").then(() => false), this.exited]);
      if (ended && !pattern.test(this.output)) throw new Error(`ended without ${pattern}:\n${this.output}`);
    }
  }

  /** As a Ctrl-C in its terminal: every process of the group gets it. */
  interrupt(signal: NodeJS.Signals = "SIGINT"): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      process.kill(-(this.#child.pid as number), signal);
  }

  /** As a supervisor's signal: only the process that it started gets it. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** How a program is run. */
export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  /** What .env holds where it is run; without it there is none. */
  envFile?: string | undefined;
}

/** Runs a command line, until the test ends, in a folder without a .env. Files are named from the root. */
export async function run(command: string[], { env = {}, envFile }: RunOptions = {}): Promise<Program> {
  const cwd = await mkdtemp(join(tmpdir(), "program-test-"));
  for (const name of ["package.json", "node_modules", "dev", "ops"])
    await symlink(join(ROOT, name), join(cwd, name));
  if (envFile !== undefined) await writeFile(join(cwd, ".env"), envFile);
  const [name = "", ...args] = command;
  const program = new Program(name, args, env, cwd);
  onTestFinished(async () => {
    program.interrupt("SIGKILL");
    await program.exited;
    await rm(cwd, { recursive: true });
  });
  return program;
}
