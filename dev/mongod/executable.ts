import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { promisify } from "node:util";

/** A healthy mongod tells its version in well under a second; this only ends one that hangs. */
const VERSION_LIMIT_MS = 20_000;

/**
 * Tells whether `path` is a file that may be executed (it is not run).
 *
 * @returns false also when it does not exist
 */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/**
 * Runs `path --version`: a mongod built for another system, or one whose libraries are missing, shows
 * itself only when it is run.
 *
 * @returns why it does not run, in one line; undefined if it does
 */
export async function whyItWontRun(path: string): Promise<string | undefined> {
  if (!(await isExecutable(path))) return `${path} is not an executable file`;
  try {
    await promisify(execFile)(path, ["--version"], { timeout: VERSION_LIMIT_MS });
    return undefined;
  } catch (error) {
    return `${path} does not run: ${causeLine(error)}`;
  }
}

/**
 * The line of a failed child process that says what went wrong.
 *
 * @param error what `execFile` rejected with
 * @returns of its stderr, the first line marked ERROR (pip's summary), else the last one (the dynamic
 *   loader and python end on the cause); the error's own first line if stderr is empty
 */
export function causeLine(error: unknown): string {
  const { stderr = "", killed = false, message = String(error) } = error as Partial<ExecFileFault>;
  if (killed) return "it took too long";
  const lines = stderr.trim().split("\n");
  return lines.find((line) => line.startsWith("ERROR")) || lines.at(-1) || message.replace(/\n.*/s, "");
}

type ExecFileFault = { stderr: string; killed: boolean; message: string };
