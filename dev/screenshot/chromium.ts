import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What the browser's program is called, by system and edition. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const TIMEOUT_MS = 60_000;

/** A page takes a few hundred kB as HTML. */
const MAX_OUTPUT = 16 * 1024 * 1024;

/** What to say where no browser is found. */
export const NO_CHROMIUM =
  "no Chromium is found: install it (apt-get install chromium), or name its program in CHROMIUM_PATH";

/** The browser's program: the one that CHROMIUM_PATH names, or the first of the usual names on the PATH. */
export function findChromium(env: NodeJS.ProcessEnv): string | undefined {
  if (env.CHROMIUM_PATH) return isProgram(env.CHROMIUM_PATH) ? env.CHROMIUM_PATH : undefined;
  const folders = (env.PATH ?? "").split(delimiter).filter(Boolean);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs the browser once, without a window and with a profile of its own.
 *
 * @param options its own command line options
 * @returns what it printed
 * @throws Error if it fails, or takes longer than a minute
 */
export async function runChromium(program: string, url: string, options: string[]): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), "chromium-"));
  // In a container it has no rights to build its sandbox; it opens nothing but what this project serves.
  const always = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    `--user-data-dir=${profile}`,
  ];
  try {
    const { stdout } = await run(program, [...always, ...options, url], {
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT,
    });
    return stdout;
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Options for a picture of a page, in CSS pixels. */
export function pictureOptions(path: string, width: number, height: number, dark = false): string[] {
  return [
    `--screenshot=${path}`,
    `--window-size=${width},${height}`,
    "--hide-scrollbars",
    ...(dark ? ["--blink-settings=preferredColorScheme=0"] : []),
  ];
}
