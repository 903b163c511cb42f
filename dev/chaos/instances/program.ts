import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../host/bundle.ts";
import { type Bug, fileOf, plant } from "./plant.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

/**
 * Packs an instance's program into one file, as the platform's builder does with the function: it starts in half
 * the time, and rounds start hundreds.
 *
 * @param bug a defect to plant in the function; the project's own files stay as they are
 * @returns the file's path, within `folder`
 */
export async function buildProgram(folder: string, bug?: Bug): Promise<string> {
  const file = join(folder, `instance-${bug ? encodeURIComponent(bug.name) : "as-is"}.mjs`);
  const target = bug && fileOf(bug);
  const transform = (source: string, id: string) => (bug && id === target ? plant(bug, source) : null);
  await bundle(MAIN, file, [{ name: "plant", transform }]);
  return file;
}
