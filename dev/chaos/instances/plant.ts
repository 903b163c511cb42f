import { fileURLToPath } from "node:url";

/** A known defect: what to replace in one file of the function, and by what. */
export interface Bug {
  name: string;
  /** Relative to the project, such as `lib/pass/settle.ts`. */
  file: string;
  changes: { find: string; replace: string }[];
}

/** The path of the file that a defect is in. */
export function fileOf({ file }: Bug): string {
  return fileURLToPath(new URL(`../../../${file}`, import.meta.url));
}

/**
 * The source with the defect in it.
 *
 * @throws Error unless each thing to be replaced stands there exactly once: the function has moved on
 */
export function plant({ name, file, changes }: Bug, source: string): string {
  return changes.reduce((text, { find, replace }) => {
    const parts = text.split(find);
    if (parts.length === 2) return parts.join(replace);
    throw new Error(`${name}: found ${parts.length - 1} times in ${file}: ${find}`);
  }, source);
}
