import type { ProblemCode } from "../problems.ts";
import type { Answer } from "./http.ts";

/**
 * Whom an outcome is about: its message (its chat, its file) alone; its session (its account, its engine); WAHA as a
 * whole, or the way to it; either its message or its session, which the session's next outcomes tell; or its account,
 * of which the list of sessions says more.
 */
type About = "message" | "session" | "waha" | "either" | "account";

/** A POST that was not accepted, as far as its answer proves anything. */
export interface NotSent {
  /**
   * `unsent`: proven unsent, and it may be tried again. `failed`: the same, and a retry would fare no better.
   * `unproven`: WAHA may have sent it, or may do so yet.
   */
  kind: "unsent" | "failed" | "unproven";
  code: ProblemCode;
  about: About;
  /**
   * Of what is about either: it would be answered the same again if its session works. So it is `failed` once a message
   * of its session was accepted.
   */
  failsAlone?: boolean;
  /** Never quotes the answer. */
  detail?: string;
  /** WAHA, or a proxy before it, says for how long nothing more is to be asked. */
  restMs?: number;
}

/** One kind of answer, and what it proves. */
export interface Row {
  statuses: readonly number[];
  /** On these engines only; undefined stands for one that is not known. */
  engines?: readonly (string | undefined)[];
  /** True: only of a file. False: only of a text. */
  media?: boolean;
  /** Only of a POST that sends. */
  ofSends?: boolean;
  /** The exception's name. */
  name?: string;
  /**
   * The words that tell it from other answers of its status: those of the exception of a 500, else of the error or
   * message. They stand at the beginning: further on an answer may repeat a message's text, which can say anything.
   */
  says?: RegExp;
  header?(answer: Answer): boolean;
  kind: NotSent["kind"];
  code: ProblemCode;
  about: About;
  failsAlone?: boolean;
  /** What is particular; it quotes neither text nor address. */
  detail?: string | ((found: string[], answer: Answer) => string);
  restMs?(answer: Answer): number;
}

/** As gRPC words an error of GOWS, before the words of its own. */
const G = "^\\d+ [A-Z_]+: ";
const gows = (words: string) => new RegExp(`${G}(?:${words})`);

const GOWS = { statuses: [500], engines: ["GOWS", undefined], ofSends: true } as const;

/** These load a file before they send; of WEBJS and WPP that is not known. They do so with axios, which sends nothing. */
const OF_LOADING = {
  statuses: [500],
  engines: ["NOWEB", "GOWS"],
  media: true,
  name: "AxiosError",
} as const;

const whatsAppError = ([, code]: string[]) => `WhatsApp's error ${code}`;
const httpStatus = (_: string[], { status }: Answer) => `HTTP ${status}`;

/**
 * What answers prove, and about whom: the first row that fits decides, and what none fits proves nothing. By what it
 * rests on: WAHA itself (its answers were seen, or its source read), whatsmeow (the library of GOWS; read in the order
 * of its steps: what fails before the message node is written is unsent), HTTP, or Cloudflare's description.
 */
export const OUTCOMES: readonly Row[] = [
  // HTTP: what answered did not pass the request on.
  {
    statuses: [301, 302, 307, 308],
    kind: "unsent",
    code: "waha_redirect",
    about: "waha",
    detail: (_, { location }) => `to ${origin(location)}`,
  },
  {
    statuses: [405],
    kind: "unsent",
    code: "waha_bad_answer",
    about: "waha",
    ofSends: true,
    detail: httpStatus,
  },
  {
    statuses: [413],
    kind: "failed",
    code: "message_too_large",
    about: "message",
    ofSends: true,
  },
  {
    statuses: [429],
    header: ({ retryAfter }) => readRetryAfter(retryAfter) !== undefined,
    kind: "unsent",
    code: "session_throttled",
    about: "session",
    ofSends: true,
    detail: httpStatus,
    restMs: ({ retryAfter }) => readRetryAfter(retryAfter) ?? 0,
  },
  // Cloudflare: the server refused the connection, or there is no way to it. (520, 522 and 524 may come after the request.)
  {
    statuses: [521, 523],
    header: ({ server }) => server === "cloudflare",
    kind: "unsent",
    code: "waha_unreachable",
    about: "waha",
    detail: httpStatus,
  },
  // WAHA: seen.
  { statuses: [401], kind: "unsent", code: "waha_key_refused", about: "waha" },
  {
    statuses: [404],
    says: /^We didn't find a session/,
    kind: "unsent",
    code: "session_not_found",
    about: "session",
  },
  {
    statuses: [422],
    says: /^Session status is not as expected/,
    kind: "unsent",
    code: "session_not_working",
    about: "session",
  },
  {
    statuses: [422],
    says: /^WAHA Core support only 'default' session/,
    kind: "unsent",
    code: "waha_core_default_only",
    about: "session",
  },
  // A server that needs a restart answers 400 to every message, though its session is WORKING.
  { statuses: [400], kind: "unsent", code: "waha_bad_request", about: "either", failsAlone: true },
  // WAHA: read in its source. A key may be limited to some sessions, and to reading.
  {
    statuses: [403],
    says: /^Forbidden resource$/,
    kind: "unsent",
    code: "waha_key_refused",
    about: "session",
    detail: "HTTP 403: it may not be used for this",
  },
  // The list of sessions was had from the same address: a text's route is everywhere, a file's is not.
  {
    statuses: [404],
    says: /^Cannot POST \//,
    media: false,
    kind: "unsent",
    code: "waha_bad_answer",
    about: "waha",
    detail: httpStatus,
  },
  {
    statuses: [404],
    says: /^Cannot POST \//,
    media: true,
    kind: "unsent",
    code: "waha_bad_answer",
    about: "message",
    detail: httpStatus,
  },
  {
    statuses: [422],
    says: /^The feature is available only in Plus version/,
    media: true,
    kind: "failed",
    code: "waha_plus_only",
    about: "message",
  },
  {
    statuses: [422],
    says: /^Either "file\.url" or "file\.data" must be specified/,
    media: true,
    kind: "unsent",
    code: "media_unavailable",
    about: "message",
    detail: httpStatus,
  },
  // Of these answers of a file's address the next try would get the same.
  {
    ...OF_LOADING,
    says: /^Request failed with status code (403|404|410)$/,
    kind: "failed",
    code: "media_not_loaded",
    about: "message",
    detail: ([, status]) => `HTTP ${status}`,
  },
  {
    ...OF_LOADING,
    says: /^Request failed with status code (\d{3})$/,
    kind: "unsent",
    code: "media_unavailable",
    about: "message",
    detail: ([, status]) => `HTTP ${status}`,
  },
  {
    ...OF_LOADING,
    says: /^(?:getaddrinfo|connect) E[A-Z_]+/,
    kind: "unsent",
    code: "media_unavailable",
    about: "message",
    detail: ([syscall = ""]) => syscall,
  },
  {
    ...GOWS,
    engines: ["GOWS"],
    media: true,
    says: gows("failed to upload"),
    kind: "unsent",
    code: "media_unavailable",
    about: "message",
    detail: "upload",
  },
  // whatsmeow: before the message node.
  {
    ...GOWS,
    says: gows("no LID found for"),
    kind: "failed",
    code: "number_not_found",
    about: "message",
  },
  // The same question to WhatsApp, and what became of it stands behind the number: it may be the connection.
  {
    ...GOWS,
    says: gows("failed to get LID for PN|failed to get user info for|failed to fetch LID mappings"),
    kind: "unsent",
    code: "number_not_found",
    about: "either",
  },
  {
    ...GOWS,
    says: gows("can't send message to unknown server|message recipient must be a user JID"),
    kind: "failed",
    code: "invalid_message",
    about: "message",
    detail: "GOWS does not take its chat",
  },
  {
    ...GOWS,
    says: gows("failed to get group members"),
    kind: "unsent",
    code: "chat_unavailable",
    about: "message",
  },
  // Questions to WhatsApp and to the session's own store, which come to nothing while these are at fault.
  {
    ...GOWS,
    says: gows("failed to get device list|failed to prefetch sessions"),
    kind: "unsent",
    code: "chat_unavailable",
    about: "either",
  },
  {
    ...GOWS,
    says: gows("failed to send message node: websocket not connected"),
    kind: "unsent",
    code: "session_not_working",
    about: "session",
    detail: "its connection to WhatsApp is lost",
  },
  {
    ...GOWS,
    says: gows("the store doesn't contain a device JID"),
    kind: "unsent",
    code: "session_not_working",
    about: "session",
    detail: "it is not logged in",
  },
  // whatsmeow: WhatsApp's own refusal (ErrServerReturnedError). The words are all there is, and WhatsApp describes none of
  // the numbers: by the reports of people these refuse a message. Other numbers, such as 5xx, may be answered although WhatsApp has it.
  {
    ...GOWS,
    says: gows("server returned error (420|429|475)$"),
    kind: "unsent",
    code: "session_throttled",
    about: "session",
    detail: whatsAppError,
  },
  {
    ...GOWS,
    says: gows("server returned error (463)$"),
    kind: "unsent",
    code: "account_restricted",
    about: "account",
    detail: whatsAppError,
  },
  {
    ...GOWS,
    says: gows("server returned error (400|403|479)$"),
    kind: "unsent",
    code: "whatsapp_refused",
    about: "either",
    failsAlone: true,
    detail: whatsAppError,
  },
  // Baileys: a message is encrypted before it is sent.
  {
    statuses: [500],
    engines: ["NOWEB"],
    ofSends: true,
    says: /^No sessions$/,
    kind: "unsent",
    code: "chat_unavailable",
    about: "message",
  },
  // These drive a browser, in which a chat can be at fault as well as the page.
  {
    statuses: [500],
    engines: ["WEBJS", "WPP"],
    ofSends: true,
    kind: "unproven",
    code: "waha_error",
    about: "either",
  },
];

/** No host's name is longer; a header may be. */
const MAX_ORIGIN = 270;

/** Scheme and host of an address: enough to set it right, and without what its path or query may carry. */
function origin(location: string | null): string {
  const known = location !== null && URL.canParse(location) ? new URL(location).origin : "null";
  return known === "null" || known.length > MAX_ORIGIN ? "an address that can't be read" : known;
}

/** For how long nothing is to be asked, by the header `Retry-After`; undefined where it says nothing that can be read. */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null || value.trim() === "") return undefined;
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
