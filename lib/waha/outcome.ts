import type { Answer, Exchange, NoAnswer } from "./http.ts";
import { type NotSent, OUTCOMES, type Row } from "./outcome-table.ts";
import { isSentMessage, readError, readMessageId } from "./responses.ts";

/** What the answer to a POST proves. */
export type SendOutcome = { kind: "sent"; waMessageId: string | undefined } | NotSent;

/** What was posted, as far as it decides what an answer proves. */
export interface Posted {
  isMedia: boolean;
  /** The session's; undefined where it is not known. */
  engine: string | undefined;
  /** The id that the message was given. */
  id?: string | undefined;
}

/** Reads what the answer to a POST proves. Whatever the table does not have proves nothing. */
export function readSendOutcome(exchange: Exchange, posted: Posted): SendOutcome {
  if ("fault" in exchange) return ofNoAnswer(exchange);
  const { status, body } = exchange;
  if (status === 201) return { kind: "sent", waMessageId: readMessageId(body) };
  if (isRewritten(exchange, posted)) return { kind: "sent", waMessageId: readMessageId(body) };
  const outcome = readRow(exchange, posted);
  if (outcome) return outcome;
  if (status === 500) return { kind: "unproven", code: "waha_error", about: "session" };
  const code = isGateway(status) ? "waha_gateway" : "waha_unproven";
  return { kind: "unproven", code, about: "waha", detail: `HTTP ${status}` };
}

/**
 * The refusals that any of WAHA's endpoints may answer: they prove that the request was not carried out.
 * A redirect is one: what answered it did not pass the request on, and it is never followed.
 */
export function readRefusal(answer: Answer): NotSent | undefined {
  return readRow(answer, undefined);
}

/** @param posted what was posted; undefined for a request of another kind, to which only some rows apply */
function readRow(answer: Answer, posted: Posted | undefined): NotSent | undefined {
  for (const row of OUTCOMES) {
    const found = matchRow(row, answer, posted);
    if (!found) continue;
    const { about, code, detail, failsAlone, kind, restMs } = row;
    const particular = typeof detail === "function" ? detail(found, answer) : detail;
    const rest = restMs?.(answer);
    return {
      kind,
      code,
      about,
      ...(failsAlone ? { failsAlone } : {}),
      ...(particular === undefined ? {} : { detail: particular }),
      ...(rest === undefined ? {} : { restMs: rest }),
    };
  }
  return undefined;
}

function matchRow(row: Row, answer: Answer, posted: Posted | undefined): string[] | undefined {
  const { engines, header, media, name, ofSends, says, statuses } = row;
  if (!statuses.includes(answer.status) || (ofSends && !posted)) return undefined;
  if (media !== undefined && media !== posted?.isMedia) return undefined;
  if (engines && !engines.includes(posted?.engine)) return undefined;
  if (header && !header(answer)) return undefined;
  const { error = "", exception, message = "" } = readError(answer.body);
  if (name !== undefined && name !== exception?.name) return undefined;
  if (!says) return [];
  const words = answer.status === 500 ? [exception?.message ?? ""] : [error, message];
  return words.map((each) => says.exec(each)).find((found) => found !== null) ?? undefined;
}

/**
 * A proxy may rewrite a 201. WAHA's own body of a sent message is the proof then, if it carries the id that was given;
 * what echoes a request does not make one.
 */
function isRewritten({ status, body }: Answer, { id }: Posted): boolean {
  return status >= 200 && status < 300 && isSentMessage(body) && (!id || readMessageId(body) === id);
}

function isGateway(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** @returns what it proves that a request was not answered */
function ofNoAnswer({ code: detail, fault }: NoAnswer): NotSent {
  const particular = detail === undefined ? {} : { detail };
  switch (fault) {
    case "unsent":
      return { kind: "unsent", code: "waha_unreachable", about: "waha", ...particular };
    case "timeout":
      return { kind: "unproven", code: "waha_timeout", about: "waha" };
    case "cut-off":
      return { kind: "unproven", code: "lease_ran_out", about: "waha" };
    case "lost":
      return { kind: "unproven", code: "waha_connection_lost", about: "waha", ...particular };
  }
}
