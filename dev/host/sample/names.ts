import { MAPPINGS, type MappingName } from "../../../lib/documents/mapping.ts";

/** The names of the mappings that ship, for a person. */
export const NAMES = Object.keys(MAPPINGS).join(" or ");

/**
 * Reads whose documents the sample is to have.
 *
 * @throws Error in plain words
 */
export function readDocuments(given: string): MappingName {
  if (Object.hasOwn(MAPPINGS, given)) return given as MappingName;
  throw new Error(`"${given}" names no documents that the sample has: give --documents ${NAMES}`);
}
