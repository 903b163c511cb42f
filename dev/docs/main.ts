/** `npm run docs`: writes what the documentation takes from the code. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generatedFiles, ROOT } from "./generate.ts";

for (const [path, text] of await generatedFiles()) {
  await writeFile(join(ROOT, path), text);
  console.log(path);
}
