import { parseArgs } from "node:util";
import { MAPPINGS, type MappingName } from "../../lib/documents/mapping.ts";

/**
 * Reads the command line: whose documents the demo is to be played with.
 *
 * @throws Error in plain words
 */
export function readOptions(args: string[]): MappingName {
  const { documents } = parseArgs({
    args,
    options: { documents: { type: "string", default: "plain" } },
  }).values;
  if (isMappingName(documents)) return documents;
  throw new Error(
    `"${documents}" names no documents: give --documents ${Object.keys(MAPPINGS).join(" or --documents ")}`,
  );
}

function isMappingName(name: string): name is MappingName {
  return Object.hasOwn(MAPPINGS, name);
}
