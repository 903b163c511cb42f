import type { RouteName, SENDS } from "./calls.ts";
import type { Engine } from "./options.ts";

/** What a message says: a text, or a file with a caption. What was not posted is absent. */
export type Content = {
  kind: (typeof SENDS)[keyof typeof SENDS];
  /** The text, or the file's caption; empty where there is none. */
  text: string;
  /** Of a text. */
  linkPreview?: unknown;
  /** Where WAHA is to load the file from. */
  url?: string;
  mimetype?: unknown;
  filename?: unknown;
  /** Of a video or a voice message. */
  convert?: unknown;
  /** Of a video. */
  asNote?: unknown;
};

/** A message that the simulated WAHA accepted, which is to say: one that people would have received. */
export type LedgerEntry = Content & {
  /** 1 for the first message accepted, of whatever session. */
  seq: number;
  session: string;
  /** As it was posted. */
  chatId: string;
  /** The raw id that it went out under. */
  id: string;
  /** The id that the client gave, honoured or not. */
  givenId?: string;
  receivedAt: Date;
  acceptedAt: Date;
  /** Sends of the session received and not yet answered (nor their connection closed) when this one came, itself included. */
  concurrent: number;
  /** What a lookup shows: -1 refused by WhatsApp, 0 pending, 1 on WhatsApp's server. */
  ack: number;
  /** Lookups do not find it. */
  forgotten: boolean;
};

/** A request that reached the simulator, in order of arrival; the control plane's are left out. */
export type RequestEntry = {
  method: string;
  /** Without the query. */
  path: string;
  route: RouteName;
  /** From the path, or from the body. */
  session?: string;
  at: Date;
  /** What it met, whether or not the client was still there; absent while it is being handled. */
  status?: number | "reset" | "hang";
};

/** An event that WAHA told, or was to tell. */
export type WebhookEntry = {
  event: "message.any" | "message.ack" | "message.ack.group";
  session: string;
  engine: Engine;
  /** The message's raw id. */
  id: string;
  ack: number;
  /** What the last try was answered with; absent while none was answered. */
  status?: number;
};
