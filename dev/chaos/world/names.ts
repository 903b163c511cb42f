import type { Document } from "mongodb";
import { MAPPINGS, type Mapping, type MediaKind } from "../../../lib/documents/mapping.ts";

/**
 * The harness writes and reads documents by names of its own, which are the keys of a mapping. Here alone they become
 * the app's names, and the app's names become them.
 */
export type Part = "messages" | "campaigns" | "groups" | "sessions";

/** The fields that an app may name. All others have the same name in every app. */
const FIELDS: Record<Part, readonly string[]> = {
  messages: ["campaignId", "sessionId", "chatId", "content", "failed", "failedReason"],
  campaigns: ["sessionId", "chatId", "groupId", "name", "status", "completed", "deleted"],
  groups: ["chatId"],
  sessions: ["name"],
};

/** A file, as the harness writes it on a message. */
export interface ChaosMedia {
  kind: MediaKind;
  url: string;
}

/** The collection of a part; undefined where the app has none. */
export function collectionOf(part: Part, names: Mapping): string | undefined {
  return names[part]?.collection;
}

/** The part whose collection has this name in an app that ships. */
export function partOf(collection: unknown): Part | undefined {
  return PARTS.get(collection);
}

const PARTS = new Map<unknown, Part>(
  Object.values(MAPPINGS).flatMap((names) =>
    (Object.keys(FIELDS) as Part[]).map((part): [unknown, Part] => [collectionOf(part, names), part]),
  ),
);

/** A document, or a part of one, by the app's names. What the app has no field for is left out. */
export function toApp(part: Part, own: Document, names: Mapping): Document {
  return Object.fromEntries(
    Object.entries(own).flatMap(([field, value]): [string, unknown][] => {
      if (part === "messages" && field === "media") return filesToApp(value, names);
      const name = nameOf(part, field, names);
      return name === null ? [] : [[name, isStatus(part, field) ? swapped(value, names, "app") : value]];
    }),
  );
}

/** A document of the app's by the harness's names. */
export function fromApp(part: Part, document: Document, names: Mapping): Document {
  const own = Object.fromEntries(
    Object.entries(document).flatMap(([name, value]): [string, unknown][] => {
      if (part === "messages" && isOfFile(name, names)) return [];
      const field = FIELDS[part].find((each) => nameOf(part, each, names) === name) ?? name;
      return [[field, isStatus(part, field) ? swapped(value, names, "own") : value]];
    }),
  );
  const media = part === "messages" ? fileFromApp(document, names) : undefined;
  return media === undefined ? own : { ...own, media };
}

function nameOf(part: Part, field: string, names: Mapping): string | null {
  if (!FIELDS[part].includes(field)) return field;
  return (names[part] as Record<string, string | null> | null)?.[field] ?? null;
}

function isStatus(part: Part, field: string): boolean {
  return part === "campaigns" && field === "status";
}

/** The same word in the app's language, or in the harness's, which is that of the plain documents. */
function swapped(value: unknown, names: Mapping, to: "app" | "own"): unknown {
  const [own, app] = [wordsOf(MAPPINGS.plain), wordsOf(names)];
  const [from, into] = to === "app" ? [own, app] : [app, own];
  const place = from.indexOf(value);
  return place === -1 ? value : into[place];
}

function wordsOf({ campaigns }: Mapping): unknown[] {
  const { completedWord, failedWord, hold, sending } = campaigns;
  return [sending, completedWord, failedWord, ...hold];
}

/** The kinds of files that an app's messages may have. */
export function mediaKinds({ messages }: Mapping, all: readonly MediaKind[]): readonly MediaKind[] {
  return typeof messages.media === "string" ? all : messages.media.map(({ kind }) => kind);
}

function isOfFile(name: string, { messages }: Mapping): boolean {
  if (typeof messages.media === "string") return name === messages.media;
  return messages.media.some(({ url, when }) => name === url || name === when);
}

/** By rules all fields are written, so that a file of another kind goes. */
function filesToApp(media: ChaosMedia | undefined, { messages }: Mapping): [string, unknown][] {
  if (typeof messages.media === "string") return [[messages.media, media]];
  return messages.media.flatMap(({ kind, url, when }): [string, unknown][] => {
    const isIt = media?.kind === kind;
    return [[url, isIt ? media.url : null], ...(when ? [[when, isIt] as [string, unknown]] : [])];
  });
}

function fileFromApp(document: Document, { messages }: Mapping): ChaosMedia | undefined {
  if (typeof messages.media === "string") return document[messages.media];
  const rule = messages.media.find(({ url, when }) => (when ? document[when] === true : document[url]));
  return rule && { kind: rule.kind, url: document[rule.url] };
}
