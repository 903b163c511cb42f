import { Binary, type Document, ObjectId } from "mongodb";
import { isMappable, type Mapping } from "../../../lib/documents/mapping.ts";

/** A field of some sampled documents, with what they hold in it, apart from null. */
export interface Field {
  name: string;
  values: unknown[];
}

/** A field that was taken for something, and what speaks for it. */
export interface Guess {
  field: string;
  why: string;
}

/** The fields that a mapping may name, in the order of a part's documents. */
export function fieldsOf(part: keyof Mapping, documents: Document[]): Field[] {
  const fields = new Map<string, Field>();
  for (const document of documents)
    for (const [name, value] of Object.entries(document)) {
      if (!isMappable(part, name)) continue;
      const field = fields.get(name) ?? { name, values: [] };
      if (value !== null && value !== undefined && value !== "") field.values.push(value);
      fields.set(name, field);
    }
  return [...fields.values()];
}

/** Whether a field holds something, and only such as `test` takes. */
export function holds({ values }: Field, test: (value: unknown) => boolean): boolean {
  return values.length > 0 && values.every(test);
}

export const isText = (value: unknown): value is string => typeof value === "string";

/** No id is longer, and none has spaces. */
const ID = /^[^\s]{1,100}$/;

/** What may refer to a document by its id. */
function isReference(value: unknown): boolean {
  if (value instanceof ObjectId || value instanceof Binary || Number.isSafeInteger(value)) return true;
  return isText(value) && ID.test(value) && !CHAT.test(value) && !/^https?:/.test(value);
}

/** The full form of a WhatsApp chat. */
const CHAT = /^\d[\d-]{4,40}(:\d{1,3})?@(c\.us|g\.us|lid|newsletter|s\.whatsapp\.net)$/;
const NUMBER = /^\+?\d[\d ()-]{5,20}$/;
const CHAT_NAME = /chat|phone|number|recipient|receiver|contact|jid|msisdn|mobile|^to$/i;

/** Which field holds a WhatsApp chat: by what is in it, else by a name and what may be a phone number. */
export function guessChat(fields: Field[]): Guess | undefined {
  const byValue = fields.find((field) => holds(field, (value) => isText(value) && CHAT.test(value)));
  if (byValue) return { field: byValue.name, why: `holds ${suffixes(byValue)}` };
  const byName = fields.find(
    (field) => CHAT_NAME.test(field.name) && holds(field, (value) => isText(value) && NUMBER.test(value)),
  );
  return byName && { field: byName.name, why: "holds phone numbers" };
}

function suffixes({ values }: Field): string {
  return [...new Set(values.map((value) => `…@${String(value).split("@")[1]}`))].join(" and ");
}

const CONTENT_NAMES = [/^(content|text|body|message)$/i, /content|text|body|message|caption/i];

/** Which field holds the text: by its name, else the longest texts. */
export function guessContent(fields: Field[]): Guess | undefined {
  const texts = fields.filter((field) => holds(field, (value) => isText(value) && !isAddress(value)));
  for (const pattern of CONTENT_NAMES) {
    const found = texts.find(({ name, values }) => pattern.test(name) && !values.every(isReference));
    if (found) return { field: found.name, why: "by its name" };
  }
  const named = texts.find(({ name }) => CONTENT_NAMES[0]?.test(name));
  if (named) return { field: named.name, why: "by its name" };
  const [longest] = texts
    .filter(({ values }) => !values.every(isReference))
    .sort((one, other) => meanLength(other) - meanLength(one));
  return longest && { field: longest.name, why: "holds the longest texts" };
}

function isAddress(value: string): boolean {
  return CHAT.test(value) || /^https?:/.test(value);
}

function meanLength({ values }: Field): number {
  return values.reduce<number>((sum, value) => sum + String(value).length, 0) / values.length;
}

/** Which fields may refer to a document of a kind, by their names and what is in them. */
export function referencesBy(fields: Field[], pattern: RegExp): Field[] {
  return fields.filter((field) => pattern.test(field.name) && holds(field, isReference));
}

/** Which field holds short texts, by its name. */
export function guessText(fields: Field[], pattern: RegExp): string | undefined {
  return fields.find((field) => pattern.test(field.name) && holds(field, isText))?.name;
}

/** Which field holds true or false, by its name. */
export function guessFlag(fields: Field[], pattern: RegExp): string | undefined {
  return fields.find(
    (field) => pattern.test(field.name) && holds(field, (value) => typeof value === "boolean"),
  )?.name;
}
