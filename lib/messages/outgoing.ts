import { z } from "zod";
import { MAX_MEDIA_PART, MEDIA_KINDS, type Media, type MessageNames } from "../documents/mapping.ts";
import { isTooLong } from "../mongo/safe-fields.ts";
import { MAX_TEXT, MAX_URL, type MessageDocument } from "./message.ts";
import type { ClaimedMessage } from "./transitions.ts";

/** What is posted: to a chat in full form, a text, or a file with a caption. */
export interface Outgoing {
  chatId: string;
  content: string;
  media?: Media | undefined;
}

/**
 * The suffixes are WhatsApp's kinds of chat. Those of a phone number have one of E.164: 7 to 15 digits with the country's
 * code, and so no 0 in front.
 */
const CHAT_ID =
  /^([1-9]\d{6,14}@(c\.us|s\.whatsapp\.net)|\d[\d-]{4,40}@g\.us|\d{5,20}@lid|\d{5,40}@newsletter)$/;

/** A phone number is digits alone. */
const NUMBER = /^\d{5,20}$/;

/** One of a person's devices. Messages go to the person: GOWS refuses a device. */
const DEVICE = /:\d{1,3}(?=@(?:c\.us|lid|s\.whatsapp\.net)$)/;

/** A message as it was claimed, as far as it says what is posted. */
export type ToBePosted = MessageDocument & Pick<ClaimedMessage, "campaignChat">;

/** Reads what is to be posted from a message, or says what is wrong with it, by the app's names and without quoting it. */
export function parseOutgoing(
  message: ToBePosted,
  names: MessageNames,
): { outgoing: Outgoing } | { problem: string } {
  const problems: string[] = [];
  const read = <T>(schema: z.ZodType<T>, field: string, value: unknown): T | undefined => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) problems.push(...parsed.error.issues.map(({ message: wrong }) => field + wrong));
    return parsed.data;
  };
  const chat = read(
    Chat,
    names.chatId ?? "its chat",
    message.chatId || message.campaignChat || message.chatId,
  );
  const media = mediaOf(message, names);
  const file = media && read(File, media.field, media.value);
  const content = read(media ? Caption : Text, names.content, message.content);
  if (file?.kind === "voice" && content)
    problems.push(`${names.content} must be empty: a voice message has no caption`);
  if (problems.length > 0 || chat === undefined || content === undefined)
    return { problem: problems.join("; ") };
  return { outgoing: { chatId: chat, content, media: file } };
}

/*
 * What a message must hold. The schemas are made once, as making one takes longer than using it; so what they say is
 * wrong follows the name of the app's field.
 */

const NO_CHAT =
  " is not a WhatsApp chat: digits with the country's code, without + and spaces, or …@c.us, @s.whatsapp.net, @g.us, @lid, @newsletter";
const NO_TEXT = " is missing or not a string";
const LONG_TEXT = ` is longer than ${MAX_TEXT} characters`;
const NO_ADDRESS = " holds no http:// or https:// address";
const LONG_ADDRESS = `: the address is longer than ${MAX_URL} characters`;

/** What is far too long comes as a stand-in for it. */
function unlessTooLong(wrong: string, long: string) {
  return { error: ({ input }: { input?: unknown }) => (isTooLong(input) ? long : wrong) };
}

const Chat = z
  .string(unlessTooLong(NO_TEXT, NO_CHAT))
  .transform((chatId) => (NUMBER.test(chatId) ? `${chatId}@c.us` : chatId.replace(DEVICE, "")))
  .refine((chatId) => CHAT_ID.test(chatId), NO_CHAT);

const Content = z
  .string(unlessTooLong(NO_TEXT, LONG_TEXT))
  // In JavaScript's characters; zod's own `max` counts those beyond the first plane once.
  .refine((text) => text.length <= MAX_TEXT, LONG_TEXT);
/** Anything but white space, controls, and what is not shown by itself: joiners, marks of direction, fillers, an empty braille cell. */
const VISIBLE = /[^\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u;
const Text = Content.refine((text) => VISIBLE.test(text), " is empty");
/** It may be empty, or not there at all. */
const Caption = z.preprocess((value) => value ?? "", Content);

function part(name: string) {
  const long = `: ${name} is too long`;
  return z
    .string(unlessTooLong(`: ${name} is not a string`, long))
    .max(MAX_MEDIA_PART, long)
    .nullish()
    .transform((value) => value ?? undefined);
}

const File = z.object(
  {
    kind: z.enum(MEDIA_KINDS, { error: `: kind is none of ${MEDIA_KINDS.join(", ")}` }),
    url: z
      .url({ protocol: /^https?$/, ...unlessTooLong(NO_ADDRESS, LONG_ADDRESS) })
      .max(MAX_URL, LONG_ADDRESS),
    mimetype: part("mimetype"),
    filename: part("filename"),
    convert: z.boolean().optional(),
  },
  { error: " is not a document with kind and url" },
);

/** Whether a message is to be sent with a file, which may take WAHA minutes. */
export function hasMedia(message: MessageDocument, names: MessageNames): boolean {
  return mediaOf(message, names) !== undefined;
}

/** What a message says of a file, by the first rule that counts; undefined where it is a text. */
function mediaOf(
  message: MessageDocument,
  { media }: MessageNames,
): { field: string; value: unknown } | undefined {
  if (typeof media === "string")
    return isThere(message.media) ? { field: media, value: message.media } : undefined;
  for (const [place, { when, url: field, ...rule }] of media.entries()) {
    const url = message[`mediaUrl${place}`];
    const isMeant = when === undefined || message[`mediaWhen${place}`] === true;
    if (isMeant && isThere(url) && url !== "") return { field, value: { ...rule, url } };
  }
  return undefined;
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}
