import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** Where settings are defined. */
export type DefinedIn = "lib/config.ts" | "ops/server/settings.ts";

/** The names of the settings that a file defines, as it lists them; all there are, unless it is given. */
export function settingNames(...files: DefinedIn[]): string[] {
  const from: DefinedIn[] = files.length > 0 ? files : ["lib/config.ts", "ops/server/settings.ts"];
  return from.flatMap((file) =>
    [...readFileSync(resolve(ROOT, file), "utf8").matchAll(/^ {2}([A-Z_]+):(?! ")/gm)].map(
      ([, name = ""]) => name,
    ),
  );
}
