import type { Config } from "../config.ts";
import type { Media } from "../documents/mapping.ts";
import { UnavailableError } from "../errors.ts";
import type { ProblemCode } from "../problems.ts";
import { connectWaha, type Exchange, type WahaConnection } from "./http.ts";
import { readRefusal, readSendOutcome, type SendOutcome } from "./outcome.ts";
import {
  isRefusedAck,
  readError,
  readMessageId,
  readServer,
  readSessions,
  type WahaServer,
  type WahaSession,
} from "./responses.ts";

/** A text, or a file with a caption, for one chat; under an id where the engine takes one. */
interface OutgoingMessage {
  session: string;
  /** The session's, where it is known: it decides what some errors prove. */
  engine?: string | undefined;
  chatId: string;
  /** The text, or the file's caption. */
  content: string;
  media?: Media | undefined;
  id?: string | undefined;
}

/** What looking a message up by its id came to. Only `absent` is WAHA's word that it does not know it. */
export type Lookup = "found" | "refused" | "absent" | "unsupported" | "unanswered";

/** WAHA, for one pass. Nothing here is tried twice. */
export interface Waha {
  /** @throws UnavailableError when there is no list: WAHA is away, refuses the key, or is not WAHA */
  listSessions(timeoutMs: number): Promise<Map<string, WahaSession>>;
  readServer(timeoutMs: number): Promise<WahaServer | undefined>;
  /** @param cutOff aborted when the request must end earlier: that proves nothing */
  send(message: OutgoingMessage, timeoutMs: number, cutOff?: AbortSignal): Promise<SendOutcome>;
  lookUp(session: string, chatId: string, id: string, timeoutMs: number): Promise<Lookup>;
  close(): Promise<void>;
}

/** No list of as many sessions as one server can run is longer. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;

export function openWaha(config: Config): Waha {
  const connection = connectWaha(config.WAHA_API_URL, config.WAHA_API_KEY, config.WAHA_TIMEOUT_MS);
  const get = (path: string, timeoutMs: number, limits: { maxBytes?: number } = {}) =>
    connection.exchange({ method: "get", path, timeoutMs, ...limits });
  return {
    listSessions: async (timeoutMs) =>
      sessionsOf(await get("api/sessions?all=true", timeoutMs, { maxBytes: MAX_LIST_BYTES })),
    readServer: async (timeoutMs) => serverOf(await get("api/server/version", timeoutMs)),
    send: async (message, timeoutMs, cutOff) => send(connection, config, message, timeoutMs, cutOff),
    lookUp: async (session, chatId, id, timeoutMs) => {
      const path = sessionPath(session, "chats", chatId, "messages", id);
      return path ? lookupOf(await get(`${path}?downloadMedia=false`, timeoutMs), id) : "unsupported";
    },
    close: () => connection.close(),
  };
}

async function send(
  connection: WahaConnection,
  { LINK_PREVIEW }: Config,
  message: OutgoingMessage,
  timeoutMs: number,
  cutOff: AbortSignal | undefined,
): Promise<SendOutcome> {
  const { chatId, content, engine, id, media, session } = message;
  const to = { session, chatId, ...(id ? { id } : {}) };
  const { path, body } = media
    ? mediaRequest(media, content)
    : { path: "sendText", body: { text: content, ...defined({ linkPreview: LINK_PREVIEW }) } };
  const json = { ...to, ...body };
  const answer = await connection.exchange({
    method: "post",
    path: `api/${path}`,
    json,
    timeoutMs,
    proof: 201,
    ...(cutOff ? { cutOff } : {}),
  });
  return readSendOutcome(answer, { engine, isMedia: media !== undefined, id });
}

/** What WAHA takes for a file (2026.7.1's own description): a voice message has no caption, a video may be a note. */
function mediaRequest(
  { convert, filename, kind, mimetype, url }: Media,
  caption: string,
): { path: string; body: object } {
  const file = { url, ...defined({ mimetype, filename }) };
  const converted = defined({ convert });
  const captioned = caption === "" ? {} : { caption };
  switch (kind) {
    case "image":
      return { path: "sendImage", body: { file, ...captioned } };
    case "video":
      return { path: "sendVideo", body: { file, ...captioned, asNote: false, ...converted } };
    case "voice":
      return { path: "sendVoice", body: { file, ...converted } };
    case "file":
      return { path: "sendFile", body: { file, ...captioned } };
  }
}

/** The fields that have a value. */
function defined(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Names that are steps in a path, also when they are percent-encoded: with them a request goes elsewhere. */
const STEPS = new Set(["", ".", ".."]);

/** The path to something of a session's; undefined for names that no path can hold. */
function sessionPath(session: string, ...rest: string[]): string | undefined {
  const parts = ["api", session, ...rest];
  if (parts.some((part) => STEPS.has(part) || !part.isWellFormed())) return undefined;
  return parts.map(encodeURIComponent).join("/");
}

/** Refusals that are about WAHA as a whole, and not about one session. */
const OF_THE_SERVER = new Set<ProblemCode>(["waha_key_refused", "waha_redirect"]);

function sessionsOf(exchange: Exchange): Map<string, WahaSession> {
  if ("fault" in exchange) {
    const { cause, code: detail } = exchange;
    throw new UnavailableError("waha_unreachable", { cause, ...(detail ? { detail } : {}) });
  }
  const sessions = exchange.status === 200 ? readSessions(exchange.body) : undefined;
  if (sessions) return sessions;
  const { code = "waha_bad_answer", detail } = readRefusal(exchange) ?? {};
  if (!OF_THE_SERVER.has(code))
    throw new UnavailableError("waha_bad_answer", { detail: `HTTP ${exchange.status}` });
  throw new UnavailableError(code, detail ? { detail } : {});
}

function serverOf(exchange: Exchange): WahaServer | undefined {
  return "fault" in exchange || exchange.status !== 200 ? undefined : readServer(exchange.body);
}

function lookupOf(exchange: Exchange, id: string): Lookup {
  if ("fault" in exchange) return "unanswered";
  const { status, body } = exchange;
  if (status === 200 && readMessageId(body) === id) return isRefusedAck(body) ? "refused" : "found";
  const { message = "" } = readError(body);
  if (status === 404 && message === "Message not found") return "absent";
  // 400: NOWEB without its store. 404 `Cannot GET`, 501: a server or engine without lookup.
  if (status === 400 || status === 501 || (status === 404 && message.startsWith("Cannot GET")))
    return "unsupported";
  return "unanswered";
}

/** A session's engine; undefined where WAHA did not tell. */
export function engineOf(server: WahaServer | undefined, session: WahaSession): string | undefined {
  return session.engine ?? server?.engine;
}

/** Whether a server is of a version, as year, month and build, or of a later one. */
export function isSince(server: WahaServer | undefined, since: number[]): boolean {
  if (!server) return false;
  const version = server.version.split(".", 3).map((part) => Number.parseInt(part, 10) || 0);
  const differs = since.findIndex((part, index) => (version[index] ?? 0) !== part);
  return differs === -1 || (version[differs] ?? 0) > (since[differs] ?? 0);
}
