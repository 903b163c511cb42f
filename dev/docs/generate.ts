import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { codeTables } from "./codes.ts";
import { DOCUMENT_SCHEMAS, validatorOf } from "./document-schemas.ts";
import { indexCommands } from "./indexes.ts";
import { envExample, serverSettingsTable, settingsTable } from "./settings.ts";

export const ROOT = join(import.meta.dirname, "../..");

/** What is written into pages between markers, by page and by the marker's name. */
const PARTS: Record<string, () => Record<string, string>> = {
  "docs/configuration.md": () => ({
    settings: settingsTable(),
    "server-settings": serverSettingsTable(),
  }),
  "docs/errors.md": codeTables,
  "docs/indexes.md": () => ({ indexes: indexCommands() }),
};

/** The files that are made from the code, each as it should be. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const files = new Map([[".env.example", envExample()]]);
  for (const [path, schema] of Object.entries(DOCUMENT_SCHEMAS))
    files.set(path, `${JSON.stringify(validatorOf(schema), null, 2)}\n`);
  for (const [path, partsOf] of Object.entries(PARTS)) {
    let text = await readFile(join(ROOT, path), "utf8");
    for (const [name, part] of Object.entries(partsOf())) text = between(text, path, name, part);
    files.set(path, text);
  }
  return files;
}

const END = "<!-- to here -->";

function between(text: string, path: string, name: string, part: string): string {
  const begin = `<!-- npm run docs writes from here: ${name} -->`;
  const [before, after, ...more] = text.split(begin);
  const end = after?.indexOf(END) ?? -1;
  if (after === undefined || end < 0 || more.length > 0)
    throw new Error(`${path} must have the line "${begin}" once and, after it, "${END}"`);
  return `${before}${begin}\n\n${part}\n\n${after.slice(end)}`;
}
