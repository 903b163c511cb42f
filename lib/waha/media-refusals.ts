import type { ProblemCode } from "../problems.ts";
import type { Answer } from "./http.ts";
import { readError } from "./responses.ts";

/** A file was not sent. `failed`: a retry would fare no better. It is about the message alone, not about its session. */
type MediaRefusal =
  | { kind: "failed"; code: ProblemCode; accountRestricted: false; detail?: string }
  | { kind: "unsent"; code: ProblemCode; about: "message"; detail?: string };

/**
 * The engines that are known to load the file, to upload it to WhatsApp and only then to send: where one of the first
 * two fails, nothing was sent. Of WEBJS and WPP that is not known, so there the same error proves nothing.
 */
const LOADS_FIRST = new Set<string | undefined>(["NOWEB", "GOWS"]);
const GOWS = new Set<string | undefined>(["GOWS"]);

/** WAHA loads files with axios, and sends nothing with it. */
const OF_LOADING = { status: 500, engines: LOADS_FIRST, name: "AxiosError" };

/** Answers of a file's address that the next try would get, too. */
const LASTING = new Set(["403", "404", "410"]);

/**
 * What WAHA answers when it can't send a file, by status and by the words at the beginning of the error: further on
 * an answer may repeat the caption or the address. No detail quotes either.
 */
const REFUSALS: {
  status: number;
  /** Undefined: any. */
  engines?: Set<string | undefined>;
  name?: string;
  says: RegExp;
  refusal(found: string[]): MediaRefusal;
}[] = [
  {
    status: 422,
    says: /^The feature is available only in Plus version/,
    refusal: () => ({ kind: "failed", code: "waha_plus_only", accountRestricted: false }),
  },
  {
    status: 422,
    says: /^Either "file\.url" or "file\.data" must be specified/,
    refusal: () => unavailable("HTTP 422"),
  },
  {
    ...OF_LOADING,
    says: /^Request failed with status code (\d{3})$/,
    refusal: ([, code = ""]) => answered(code),
  },
  {
    ...OF_LOADING,
    says: /^(?:getaddrinfo|connect) E[A-Z_]+/,
    refusal: ([syscall = ""]) => unavailable(syscall),
  },
  // In gRPC's words for an error of GOWS.
  {
    status: 500,
    engines: GOWS,
    says: /^\d+ [A-Z_]+: failed to upload/,
    refusal: () => unavailable("upload"),
  },
];

/** Reads that a file was not sent from the answer to its POST; undefined where that is not proven. */
export function readMediaRefusal(answer: Answer, engine: string | undefined): MediaRefusal | undefined {
  const { exception, message = "" } = readError(answer.body);
  const words = answer.status === 500 ? (exception?.message ?? "") : message;
  for (const { engines, name, refusal, says, status } of REFUSALS) {
    if (status !== answer.status || (engines && !engines.has(engine))) continue;
    if (name !== undefined && name !== exception?.name) continue;
    const found = says.exec(words);
    if (found) return refusal(found);
  }
  return undefined;
}

/** The file's address answered WAHA with another status than success. */
function answered(status: string): MediaRefusal {
  const detail = `HTTP ${status}`;
  if (!LASTING.has(status)) return unavailable(detail);
  return { kind: "failed", code: "media_not_loaded", accountRestricted: false, detail };
}

function unavailable(detail: string): MediaRefusal {
  return { kind: "unsent", code: "media_unavailable", about: "message", detail };
}
