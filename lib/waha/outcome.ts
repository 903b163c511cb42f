import type { ProblemCode } from "../problems.ts";
import type { Answer, Exchange, NoAnswer } from "./http.ts";
import { readMediaRefusal } from "./media-refusals.ts";
import { readError, readMessageId } from "./responses.ts";

/** What the answer to a POST proves. */
export type SendOutcome =
  | { kind: "sent"; waMessageId: string | undefined }
  /** Proven unsent; it may be tried again. The reason lies in its session or in WAHA, if not in the message alone. */
  | { kind: "unsent"; code: ProblemCode; about?: "message"; detail?: string }
  /** Refused by WhatsApp or WAHA: proven unsent, and a retry would be refused just the same. */
  | { kind: "failed"; code: ProblemCode; accountRestricted: boolean; detail?: string }
  /** Neither proven: WAHA may have sent it, or may do so yet. */
  | { kind: "unproven"; code: ProblemCode; detail?: string };

/**
 * Refusals by status and by the exact words that tell them from other answers of that status. They stand at the
 * beginning: further on, an answer may repeat a message's text, which can say anything.
 */
const REFUSALS: { status: number; says?: RegExp; code: ProblemCode }[] = [
  { status: 400, code: "waha_bad_request" },
  { status: 401, code: "waha_key_refused" },
  { status: 404, says: /^We didn't find a session/, code: "session_not_found" },
  { status: 422, says: /^Session status is not as expected/, code: "session_not_working" },
  {
    status: 422,
    says: /^WAHA Core support only 'default' session/,
    code: "waha_core_default_only",
  },
];

/**
 * GOWS passes WhatsApp's own refusal on in these words (whatsmeow's ErrServerReturnedError), as gRPC words an error.
 * They are all there is: among others they may be a text's.
 */
const WHATSAPP_REFUSAL = /^(?:\d+ [A-Z_]+: )?server returned error (\d{3})$/;

/** WhatsApp's code for an account that may not start chats for a while. */
const ACCOUNT_RESTRICTED = "463";

const REDIRECTS = new Set([301, 302, 307, 308]);
const GATEWAY_ERRORS = new Set([502, 503, 504]);

/** What was posted, as far as it decides what an answer proves. */
interface Posted {
  isMedia: boolean;
  /** The session's; undefined where it is not known. */
  engine: string | undefined;
}

/** Reads what the answer to a POST proves. Whatever is not known to be a refusal proves nothing. */
export function readSendOutcome(exchange: Exchange, { engine, isMedia }: Posted): SendOutcome {
  if ("fault" in exchange) return ofNoAnswer(exchange);
  const { status, body } = exchange;
  if (status === 201) return { kind: "sent", waMessageId: readMessageId(body) };
  const refusal = readRefusal(exchange) ?? (isMedia ? readMediaRefusal(exchange, engine) : undefined);
  if (refusal) return refusal;
  const detail = `HTTP ${status}`;
  if (status === 500) return ofServerError(body);
  if (GATEWAY_ERRORS.has(status)) return { kind: "unproven", code: "waha_gateway", detail };
  return { kind: "unproven", code: "waha_unproven", detail };
}

/**
 * The refusals that any of WAHA's endpoints may answer: they prove that the request was not carried out.
 * A redirect is one: what answered it did not pass the request on, and it is never followed.
 */
export function readRefusal(answer: Answer): Extract<SendOutcome, { kind: "unsent" }> | undefined {
  if (REDIRECTS.has(answer.status)) {
    return {
      kind: "unsent",
      code: "waha_redirect",
      detail: `to ${origin(answer.location)}`,
    };
  }
  const { error = "", message = "" } = readError(answer.body);
  const row = REFUSALS.find(
    ({ status, says }) => status === answer.status && (!says || says.test(error) || says.test(message)),
  );
  return row && { kind: "unsent", code: row.code };
}

function ofNoAnswer({ fault }: NoAnswer): SendOutcome {
  switch (fault) {
    case "unsent":
      return { kind: "unsent", code: "waha_unreachable" };
    case "timeout":
      return { kind: "unproven", code: "waha_timeout" };
    case "cut-off":
      return { kind: "unproven", code: "lease_ran_out" };
    case "lost":
      return { kind: "unproven", code: "waha_connection_lost" };
  }
}

function ofServerError(body: unknown): SendOutcome {
  const code = WHATSAPP_REFUSAL.exec(readError(body).exception?.message ?? "")?.[1];
  if (!code) return { kind: "unproven", code: "waha_error" };
  if (code === ACCOUNT_RESTRICTED)
    return { kind: "failed", code: "account_restricted", accountRestricted: true };
  return {
    kind: "failed",
    code: "whatsapp_refused",
    accountRestricted: false,
    detail: `WhatsApp's error ${code}`,
  };
}

/** No host's name is longer; a header may be. */
const MAX_ORIGIN = 270;

/** Scheme and host of an address: enough to set it right, and without what its path or query may carry. */
function origin(location: string | null): string {
  const known = location !== null && URL.canParse(location) ? new URL(location).origin : "null";
  return known === "null" || known.length > MAX_ORIGIN ? "an address that can't be read" : known;
}
