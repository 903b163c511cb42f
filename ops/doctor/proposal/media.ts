import type { MediaRule } from "../../../lib/documents/mapping.ts";
import { type Field, guessFlag, holds, isText } from "./fields.ts";

/** Names of fields for an address, by the kind of what is there, and of the boolean that says whether it counts. */
const KINDS = [
  { kind: "video", url: /^video_?ur[il]$/i, when: /^has_?video$/i },
  { kind: "image", url: /^(image|photo|picture)_?ur[il]$/i, when: /^has_?(image|photo|picture)$/i },
  { kind: "voice", url: /^(voice|audio)_?ur[il]$/i, when: /^has_?(voice|audio)$/i },
  {
    kind: "file",
    url: /^(file|document|attachment|media)_?ur[il]$/i,
    when: /^has_?(file|document|attachment|media)$/i,
  },
] as const;

/** The rules for a message's files, by the names of its fields. */
export function guessMedia(fields: Field[]): MediaRule[] {
  return KINDS.flatMap(({ kind, url, when }) => {
    const found = fields.find(
      (field) => url.test(field.name) && (field.values.length === 0 || holds(field, isText)),
    );
    if (!found) return [];
    const flag = guessFlag(fields, when);
    return [{ kind, url: found.name, ...(flag === undefined ? {} : { when: flag }) }];
  });
}
