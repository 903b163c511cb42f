import type { Document } from "mongodb";
import type { MessageNames } from "../documents/mapping.ts";
import type { Id } from "../mongo/ids.ts";
import { document, flag, reference, type SafeField, text } from "../mongo/safe-fields.ts";
import type { ProblemCode } from "../problems.ts";

/**
 * The main way of a message through `delivery.state`. docs/protocol.md has every transition.
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

/**
 * What WhatsApp reports of a message after its attempt, each outranking those before it: its server has it, or refused
 * it; it is on a phone; it was read; a voice message was played.
 */
export const RECEIPTS = ["server", "refused", "delivered", "read", "played"] as const;
export type Receipt = (typeof RECEIPTS)[number];

/** Those that WhatsApp gives of nothing but what was sent. */
export const PROVING_RECEIPTS = ["server", "delivered", "read", "played"] as const satisfies Receipt[];

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
  /** When it was deferred: given back after an answer that may be about it alone. It goes out after what was not. */
  deferredAt?: Date;
  /** Receipts of the attempt are awaited until then; absent where none are. */
  receiptsUntil?: Date;
  /** The highest that came. */
  receipt?: Receipt;
  receiptAt?: Date;
  /** When an event that reports nothing proved that it was sent, while its pass waited for the answer. */
  provenAt?: Date;
  error?: DeliveryError;
}

/** A message, by this code's names for its fields; only what the scheduler reads. Any field may hold anything. */
export interface MessageDocument {
  _id: Id;
  campaignId?: Id | null;
  sessionId?: Id | null;
  chatId?: unknown;
  content?: unknown;
  /** Of a mapping with one field for media: what stands in it. */
  media?: unknown;
  /** Of a mapping with rules for media, by their place: the address, and whether it counts. */
  [url: `mediaUrl${number}`]: unknown;
  [when: `mediaWhen${number}`]: unknown;
  scheduledAt: Date;
  isSent: boolean;
  isDeleted: boolean;
  isPicked: boolean;
  sentAt?: Date | null;
  delivery?: Delivery | null;
}

/** WhatsApp's own clients cut a text at 65,536 characters. */
export const MAX_TEXT = 65_536;

/** In UTF-8 none of these characters takes more bytes (those of four bytes are two of JavaScript's). */
const MAX_BYTES_A_CHARACTER = 3;

/** Longer addresses are none: browsers and servers commonly take no longer ones. */
export const MAX_URL = 2_048;

const urlText = (field: string) => text(field, MAX_URL * MAX_BYTES_A_CHARACTER);

/** Whether a message was deferred. */
export const IS_DEFERRED: Document = { $eq: [{ $type: "$delivery.deferredAt" }, "date"] };

/** Chats of one person, also as a number alone. */
export const PERSON_CHAT = /^\d+$|@(?:c\.us|lid|s\.whatsapp\.net)$/;

/** Whether a message's own chat is a person's; null where it has none. */
export function isForPerson({ chatId }: MessageNames): Document {
  if (chatId === null) return { $literal: null };
  const own = text(chatId);
  const isGiven = { $and: [{ $eq: [{ $type: own }, "string"] }, { $ne: [own, ""] }] };
  return { $cond: [isGiven, { $regexMatch: { input: own, regex: PERSON_CHAT.source } }, null] };
}

/** How the fields of a message are read that an app may change until it is sent. */
export function safeFieldsOf(names: MessageNames): SafeField[] {
  const known = KNOWN.get(names) ?? listSafeFields(names);
  KNOWN.set(names, known);
  return known;
}

const KNOWN = new WeakMap<MessageNames, SafeField[]>();

function listSafeFields(names: MessageNames): SafeField[] {
  const content = text(names.content, MAX_TEXT * MAX_BYTES_A_CHARACTER);
  return [
    ...safeField("campaignId", names.campaignId, reference),
    ...safeField("sessionId", names.sessionId, reference),
    ...safeField("chatId", names.chatId, text),
    { name: "content", field: names.content, read: content },
    ...mediaFields(names.media),
  ];
}

function safeField(name: string, field: string | null, read: (field: string) => Document): SafeField[] {
  return field === null ? [] : [{ name, field, read: read(field) }];
}

function mediaFields(media: MessageNames["media"]): SafeField[] {
  if (typeof media === "string") {
    const parts = { kind: text, url: urlText, mimetype: text, filename: text };
    return [{ name: "media", field: media, read: document(media, parts) }];
  }
  return media.flatMap(({ url, when }, place) => [
    { name: `mediaUrl${place}`, field: url, read: urlText(url) },
    ...(when ? [{ name: `mediaWhen${place}`, field: when, read: flag(when), isLossy: true }] : []),
  ]);
}

/** A projection that reads these fields, under this code's names. */
export function projectionOf(names: MessageNames): Document {
  return Object.fromEntries(safeFieldsOf(names).map(({ name, read }) => [name, read]));
}

/** How a message's reference to its campaign or session is read; nothing where the app has no such field. */
export function referenceOf(names: MessageNames, name: "campaignId" | "sessionId"): Document {
  return safeFieldsOf(names).find((field) => field.name === name)?.read ?? { $literal: null };
}
