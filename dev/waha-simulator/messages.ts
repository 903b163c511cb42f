import { randomBytes } from "node:crypto";
import type { LedgerEntry } from "./ledger.ts";
import type { Engine } from "./options.ts";

/** WhatsApp's words for `ack` (the enum of WAHA's OpenAPI description starts at ERROR, -1). */
const ACK_NAMES = ["ERROR", "PENDING", "SERVER", "DEVICE", "READ", "PLAYED"];

/** The ack of a message that WhatsApp refused. */
export const ACK_ERROR = -1;

/** NOWEB only wrote to the socket, and keeps PENDING; the others heard WhatsApp's server. */
export function firstAck(engine: Engine): number {
  return engine === "NOWEB" ? 0 : 1;
}

/** WAHA's word for an ack. */
export function ackName(ack: number): string {
  return ACK_NAMES[ack + 1] ?? "UNKNOWN";
}

/** A raw id as WhatsApp Web makes them: 22 characters that begin with 3EB0. */
export function newRawId(): string {
  return `3EB0${randomBytes(9).toString("hex").toUpperCase()}`;
}

/** The raw id within a serialized one (`true_<chatId>_<RAW>`); a raw one is returned as it is. */
export function rawIdOf(id: string): string {
  const [fromMe, , raw] = id.split("_");
  return raw !== undefined && (fromMe === "true" || fromMe === "false") ? raw : id;
}

/** The one form of a chat's id that WAHA shows: bare digits and `@s.whatsapp.net` mean `@c.us`. */
export function shownChatId(chatId: string): string {
  return chatId.includes("@") ? chatId.replace(/@s\.whatsapp\.net$/, "@c.us") : `${chatId}@c.us`;
}

/** The message as documented (WAMessage): what lookups answer, and GOWS to a send. */
export function documentedMessage(entry: LedgerEntry): object {
  const chatId = shownChatId(entry.chatId);
  return {
    id: `true_${chatId}_${entry.id}`,
    timestamp: seconds(entry),
    from: chatId,
    fromMe: true,
    source: "api",
    body: entry.text,
    hasMedia: entry.kind !== "text",
    media: null,
    ack: entry.ack,
    ackName: ackName(entry.ack),
    replyTo: null,
  };
}

/** A send's 201, which has no one shape. */
export function sentAnswer(engine: Engine, entry: LedgerEntry): object {
  if (engine === "NOWEB") return nowebMessage(entry);
  return engine === "WEBJS" ? webjsMessage(entry) : documentedMessage(entry);
}

/** The id stands in `key`, and the timestamp is at times a string: here, for every other message. */
function nowebMessage(entry: LedgerEntry): object {
  const remoteJid = shownChatId(entry.chatId).replace(/@c\.us$/, "@s.whatsapp.net");
  return {
    key: { remoteJid, fromMe: true, id: entry.id },
    message: nowebContent(entry),
    messageTimestamp: entry.seq % 2 === 1 ? String(seconds(entry)) : seconds(entry),
    status: "PENDING",
  };
}

function nowebContent({ filename, kind, mimetype, text }: LedgerEntry): object {
  switch (kind) {
    case "text":
      return { extendedTextMessage: { text } };
    case "voice":
      return { audioMessage: { mimetype, ptt: true } };
    case "file":
      return { documentMessage: { caption: text, mimetype, fileName: filename } };
    default:
      return { [`${kind}Message`]: { caption: text, mimetype } };
  }
}

/** WEBJS's own words for the kinds. */
const WEBJS_TYPES = { text: "chat", image: "image", video: "video", voice: "ptt", file: "document" };

function webjsMessage(entry: LedgerEntry): object {
  const remote = shownChatId(entry.chatId);
  const id = { fromMe: true, remote, id: entry.id, _serialized: `true_${remote}_${entry.id}` };
  const type = WEBJS_TYPES[entry.kind];
  return {
    _data: { id, body: entry.text, type, t: seconds(entry) },
    id,
    ack: 0,
    hasMedia: entry.kind !== "text",
    body: entry.text,
    type,
    timestamp: seconds(entry),
    to: remote,
    fromMe: true,
  };
}

/** When it was accepted, in WhatsApp's unit: whole seconds since 1970. */
export function seconds(entry: LedgerEntry): number {
  return Math.floor(entry.acceptedAt.getTime() / 1000);
}
