import { isAbsolute, relative, resolve } from "node:path";
import { rolldown } from "rolldown";

export const ROOT = resolve(import.meta.dirname, "../..");

/** What a program imports, directly or not. */
export interface Imports {
  /** Files of this project, from its root. */
  files: string[];
  /** The names of packages. */
  packages: string[];
}

/** Follows a program's imports as far as the packages; a file is named from the root. */
export async function importsOf(program: string): Promise<Imports> {
  const packages = new Set<string>();
  const external = (id: string) => {
    if (id.startsWith(".") || isAbsolute(id)) return false;
    if (!id.startsWith("node:")) packages.add(packageOf(id));
    return true;
  };
  const packed = await rolldown({ input: resolve(ROOT, program), platform: "node", external });
  await packed.generate();
  const files = await packed.watchFiles;
  await packed.close();
  return {
    files: files.map((file) => relative(ROOT, file)).filter((file) => file !== "tsconfig.json"),
    packages: [...packages],
  };
}

/** `@hono/node-server/conninfo` is of the package `@hono/node-server`. */
function packageOf(id: string): string {
  return id
    .split("/")
    .slice(0, id.startsWith("@") ? 2 : 1)
    .join("/");
}
