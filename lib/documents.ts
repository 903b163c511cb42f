import { Binary, BSON, type Document, ObjectId } from "mongodb";
import { z } from "zod";
import type { ProblemCode } from "./problems.ts";
import { isTooLong, reference, text } from "./reading.ts";

/** An id as some app wrote it: an ObjectId here, its string there. (BSON would allow anything; nothing rests on it.) */
export type Id = ObjectId | string | number | Binary;

/**
 * The life of a message, as `delivery.state`:
 *
 *     (none), released ──► claimed ──► attempting ──► sent | failed | unknown
 *            ▲                │            │
 *            └────────────────┴────────────┘  given back: proven unsent
 *     (none), released ──► missed             its window closed unsent
 *     unknown ──► sent | failed               on proof alone
 */
export type DeliveryState = "claimed" | "attempting" | "sent" | "failed" | "missed" | "unknown" | "released";

/** States in which an unpicked message may be claimed; the last two only because the app asked again. */
export const CLAIMABLE_STATES = [null, "released", "missed", "failed"] as const;

/** Why a message is where it is; `at` is when that was found. */
export interface DeliveryError {
  code: ProblemCode;
  message: string;
  at: Date;
}

/** What the scheduler keeps on a message. */
export interface Delivery {
  state: DeliveryState;
  /** The pass that claimed it last. */
  passId: string;
  claimedAt: Date;
  /** From here on any pass may rescue the claim; absent once the intent is written. */
  claimExpiresAt?: Date;
  /** How many intents to send were written. */
  attempts: number;
  attemptAt?: Date;
  /** The WAHA session and chat that the attempt went to, whatever the app edits later. */
  session?: string;
  chatId?: string;
  /** WhatsApp's raw id of the message: given with the intent where WAHA supports it, else read from the answer. */
  waMessageId?: string;
  /**
   * When a pass looks after the message again: looks it up in WAHA or, once it is settled, has its campaign
   * counted again; absent when there is nothing (more) to do.
   */
  nextLookupAt?: Date;
  settledAt?: Date;
  error?: DeliveryError;
}

/** A message as the app writes it; only what the scheduler reads. Any field may hold anything. */
export interface MessageDocument {
  _id: Id;
  campaignId?: Id | null;
  sessionId?: Id | null;
  chatId?: unknown;
  content?: unknown;
  scheduledAt: Date;
  isSent: boolean;
  isDeleted: boolean;
  isPicked: boolean;
  sentAt?: Date | null;
  delivery?: Delivery | null;
}

/** What the scheduler keeps on a campaign. */
export interface CampaignDelivery {
  /** Something was claimed or settled since the campaign was last settled. */
  open: boolean;
  /** Grows with every touch, so that a count made before one can't settle the campaign. */
  rev: number;
  checkedAt?: Date;
  settledAt?: Date;
  counts?: Record<"total" | "sent" | "failed" | "missed" | "unknown", number>;
}

export interface CampaignDocument {
  _id: Id;
  name?: unknown;
  sessionId?: Id | null;
  status?: unknown;
  completedAt?: Date | null;
  delivery?: CampaignDelivery | null;
}

export interface SessionDocument {
  _id: Id;
  name?: unknown;
}

/**
 * Both forms in which a reference to `id` may have been written: an ObjectId and its hexadecimal string. None
 * for what can be no id: an app may store anything there, and an object could be taken for an operator.
 */
export function idForms(id: Id): Id[] {
  if (id instanceof ObjectId) return [id, id.toHexString()];
  if (typeof id === "string" && /^[0-9a-f]{24}$/i.test(id)) return [id, new ObjectId(id)];
  const isBytes = id instanceof Binary && id.sub_type !== Binary.SUBTYPE_VECTOR;
  return typeof id === "string" || typeof id === "number" || isBytes ? [id] : [];
}

/** Both forms of all references, each once however often it is named. */
export function distinctForms(ids: Id[]): Id[] {
  return [...new Map(ids.flatMap(idForms).map((form) => [documentKey(form), form])).values()];
}

/** A string that is the same for both forms of a reference, and differs for references that differ. */
export function idKey(id: Id): string {
  if (id instanceof ObjectId) return id.toHexString();
  if (typeof id === "string") return /^[0-9a-f]{24}$/i.test(id) ? id.toLowerCase() : `"${id}"`;
  // One number is the same with either sign of zero, and JSON has no word for those that are none.
  return typeof id === "number" ? `#${id}` : documentKey(id);
}

/** A string that tells values apart by type as well, as the database does. JSON would not: it has fewer types. */
export function documentKey(id: Id | null | undefined): string {
  return id instanceof ObjectId ? `o${id.toHexString()}` : (encoded(id) ?? JSON.stringify([id]));
}

/** Whether the driver, which read this id, can also write it: it decodes some values that it can't encode again. */
export function canBeWritten(id: Id | null | undefined): boolean {
  return id instanceof ObjectId || typeof id === "string" || encoded(id) !== undefined;
}

function encoded(id: Id | null | undefined): string | undefined {
  try {
    return Buffer.from(BSON.serialize({ id })).toString("latin1");
  } catch {
    return undefined;
  }
}

/** A document's `delivery` as an expression; empty if there is none, or something that is not a document. */
export const deliveryBefore: Document = {
  $cond: [{ $eq: [{ $type: "$delivery" }, "object"] }, "$delivery", {}],
};

/** A phone number is digits alone and means `@c.us`; the suffixes are WhatsApp's kinds of chat. */
const CHAT_ID =
  /^(\d{5,20}@c\.us|\d[\d-]{4,40}@g\.us|\d{5,20}@lid|\d{5,40}@newsletter|\d{5,20}(:\d{1,3})?@s\.whatsapp\.net)$/;

/** WhatsApp's own clients cut a text at 65,536 characters. */
const MAX_TEXT = 65_536;

/** In UTF-8 none of these characters takes more bytes (those of four bytes are two of JavaScript's). */
const MAX_BYTES_A_CHARACTER = 3;

/** How the fields of a message are read that an app may change until it is sent. */
export const READ = {
  campaignId: reference("campaignId"),
  sessionId: reference("sessionId"),
  chatId: text("chatId"),
  content: text("content", MAX_TEXT * MAX_BYTES_A_CHARACTER),
} as const;

const NO_CHAT = "chatId is not a WhatsApp chat (…@c.us, @g.us, @lid, @newsletter)";
const LONG_TEXT = `content is longer than ${MAX_TEXT} characters`;

const Draft = z.object({
  chatId: z
    .string({ error: ({ input }) => (isTooLong(input) ? NO_CHAT : "chatId is missing or not a string") })
    .transform((chatId) => (/^\d{5,20}$/.test(chatId) ? `${chatId}@c.us` : chatId))
    .refine((chatId) => CHAT_ID.test(chatId), NO_CHAT),
  content: z
    .string({ error: ({ input }) => (isTooLong(input) ? LONG_TEXT : "content is missing or not a string") })
    // In JavaScript's characters; zod's own `max` counts those beyond the first plane once.
    .refine((content) => content.length <= MAX_TEXT, LONG_TEXT)
    .refine((content) => content.trim() !== "", "content is empty"),
});

/** A message that can be posted: its chat in full form, and its text. */
export type Draft = z.infer<typeof Draft>;

/** Reads what is to be posted from a document, or says what is wrong with it, without quoting it. */
export function readDraft(message: MessageDocument): { draft: Draft } | { problem: string } {
  const parsed = Draft.safeParse(message);
  return parsed.success
    ? { draft: parsed.data }
    : { problem: parsed.error.issues.map((i) => i.message).join("; ") };
}
