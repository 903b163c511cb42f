import { z } from "zod";
import type { Id } from "../mongo/ids.ts";
import { isTooLong, reference, text } from "../mongo/safe-fields.ts";
import type { ProblemCode } from "../problems.ts";

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
interface DeliveryError {
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

/** A phone number is digits alone and means `@c.us`; the suffixes are WhatsApp's kinds of chat. */
const CHAT_ID =
  /^(\d{5,20}@c\.us|\d[\d-]{4,40}@g\.us|\d{5,20}@lid|\d{5,40}@newsletter|\d{5,20}(:\d{1,3})?@s\.whatsapp\.net)$/;

/** WhatsApp's own clients cut a text at 65,536 characters. */
const MAX_TEXT = 65_536;

/** In UTF-8 none of these characters takes more bytes (those of four bytes are two of JavaScript's). */
const MAX_BYTES_A_CHARACTER = 3;

/** How the fields of a message are read that an app may change until it is sent. */
export const SAFE_FIELDS = {
  campaignId: reference("campaignId"),
  sessionId: reference("sessionId"),
  chatId: text("chatId"),
  content: text("content", MAX_TEXT * MAX_BYTES_A_CHARACTER),
} as const;

const NO_CHAT = "chatId is not a WhatsApp chat (…@c.us, @g.us, @lid, @newsletter)";
const LONG_TEXT = `content is longer than ${MAX_TEXT} characters`;

const OutgoingText = z.object({
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
export type OutgoingText = z.infer<typeof OutgoingText>;

/** Reads what is to be posted from a document, or says what is wrong with it, without quoting it. */
export function parseText(message: MessageDocument): { text: OutgoingText } | { problem: string } {
  const parsed = OutgoingText.safeParse(message);
  return parsed.success
    ? { text: parsed.data }
    : { problem: parsed.error.issues.map((i) => i.message).join("; ") };
}
