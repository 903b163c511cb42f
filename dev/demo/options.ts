import type { MappingName } from "../../lib/documents/mapping.ts";
import { readArgs } from "../../ops/options.ts";
import { NAMES, readDocuments } from "../host/sample/names.ts";

export const USAGE = `npm run demo -- [--documents <name>]

Shows the scheduler at work on this computer, on a real MongoDB and a simulated WAHA, and checks what it did.

  --documents <name>  whose documents the sample has: ${NAMES}; without it plain`;

/**
 * Reads the command line: whose documents the demo is to be played with.
 *
 * @throws Error in plain words
 */
export function readOptions(args: string[]): MappingName {
  const options = { documents: { type: "string", default: "plain" } } as const;
  return readDocuments(readArgs("demo", options, args).documents);
}
