import { isAbsolute, relative, resolve } from "node:path";
import { type RolldownOutput, rolldown } from "rolldown";

export const ROOT = resolve(import.meta.dirname, "../..");

/** What a program imports, directly or not. */
export interface Imports {
  /** Files of this project, from its root. */
  files: string[];
  /** Those of them that are loaded with the program; the others when they are needed. */
  atStart: string[];
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
  const { output } = await packed.generate();
  const files = await packed.watchFiles;
  await packed.close();
  return {
    files: files.map((file) => relative(ROOT, file)).filter((file) => file !== "tsconfig.json"),
    atStart: loadedWith(output).map((file) => relative(ROOT, file)),
    packages: [...packages],
  };
}

/** The modules of a program's own chunk, and of those that it imports, but for those that are imported later. */
function loadedWith(output: RolldownOutput["output"]): string[] {
  const chunks = new Map(
    output.flatMap((each) => (each.type === "chunk" ? [[each.fileName, each] as const] : [])),
  );
  const loaded = new Set([output[0].fileName]);
  for (const name of loaded) for (const other of chunks.get(name)?.imports ?? []) loaded.add(other);
  return [...loaded].flatMap((name) => chunks.get(name)?.moduleIds ?? []);
}

/** `@hono/node-server/conninfo` is of the package `@hono/node-server`. */
function packageOf(id: string): string {
  return id
    .split("/")
    .slice(0, id.startsWith("@") ? 2 : 1)
    .join("/");
}
