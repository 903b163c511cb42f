import type { Post } from "../record.ts";

/**
 * What the answer to a POST proves: `unsent` lets it be tried again, `refused` does so only where a person asks,
 * `nothing` never.
 */
export type Proof = "sent" | "unsent" | "refused" | "nothing";

interface Answer {
  status: number;
  body: unknown;
  /** The headers `server` and `retry-after`. */
  server?: string | undefined;
  retryAfter?: string | undefined;
}

/** What was posted, as far as it decides what an answer proves. */
interface Posted {
  /** The session's; undefined where it is not known. */
  engine: string | undefined;
  isMedia: boolean;
  id: string | undefined;
}

/** Answers that prove by their status alone that nothing was sent: no body is needed, and it may be cut off. */
const UNSENT = new Set([301, 302, 307, 308, 400, 401, 405]);

/** Words that prove it at the beginning of an error or a message: further on they may be a text's, and prove nothing. */
const UNSENT_WORDS: [status: number, words: string][] = [
  [403, "Forbidden resource"],
  [404, "We didn't find a session"],
  [404, "Cannot POST /"],
  [422, "Session status is not as expected"],
  [422, "WAHA Core support only 'default' session"],
];

/** What stands before the words of an error of GOWS. */
const GRPC = /^\d+ [A-Z_]+: /;

/** GOWS passes a refusal of WhatsApp's own on as a 500 with these words, and no more, in its exception. Of other numbers none knows what they mean. */
const WHATSAPP_WORDS = /^server returned error (400|403|420|429|463|475|479)$/;

/** What GOWS says before it sends, by the beginning of its words. */
const GOWS_WORDS: [words: string, proof: Proof][] = [
  ["no LID found for", "refused"],
  ["can't send message to unknown server", "refused"],
  ["message recipient must be a user JID", "refused"],
  ["failed to get LID for PN", "unsent"],
  ["failed to get user info for", "unsent"],
  ["failed to fetch LID mappings", "unsent"],
  ["failed to get group members", "unsent"],
  ["failed to get device list", "unsent"],
  ["failed to prefetch sessions", "unsent"],
  ["failed to send message node: websocket not connected", "unsent"],
  ["the store doesn't contain a device JID", "unsent"],
];

/** What WAHA says of a file that it could not send, by the beginning of its exception's words. */
const FILE_WORDS: { engines: string[]; name?: string; words: RegExp; proof: Proof }[] = [
  {
    engines: ["NOWEB", "GOWS"],
    name: "AxiosError",
    words: /^Request failed with status code (403|404|410)$/,
    proof: "refused",
  },
  {
    engines: ["NOWEB", "GOWS"],
    name: "AxiosError",
    words: /^(Request failed with status code \d{3}$|getaddrinfo E|connect E)/,
    proof: "unsent",
  },
  { engines: ["GOWS"], words: /^\d+ [A-Z_]+: failed to upload/, proof: "unsent" },
];

/** @param engine the session's: they fail in different ways */
export function provenBy({ answer, delivered, id, kind }: Post, engine: string | undefined): Proof {
  // An answer that did not arrive proves nothing to the pass that waited for it.
  if (!answer || !delivered) return "nothing";
  const isMedia = kind !== "text";
  const proof = proofOf(answer, { engine, id, isMedia });
  return proof === "nothing" && isMedia ? proofOfFile(answer, engine) : proof;
}

function proofOfFile({ status, body }: Answer, engine: string | undefined): Proof {
  const exception = fieldOf(body, "exception");
  const said = String(fieldOf(exception, "message"));
  const found = FILE_WORDS.find(
    ({ engines, name, words }) =>
      engines.includes(engine ?? "") &&
      (name === undefined || name === fieldOf(exception, "name")) &&
      words.test(said),
  );
  return (status === 500 && found?.proof) || "nothing";
}

/**
 * What WAHA is known to mean by its answers, written down a second time: from what WAHA does, and not from what the
 * scheduler makes of it, so that a mistake there can't hide here.
 *
 * @param answer its body is what it says as JSON, undefined where it is cut off or none
 */
export function proofOf({ body, retryAfter, server, status }: Answer, posted: Posted): Proof {
  if (status === 201) return "sent";
  if (status >= 200 && status < 300) return isOfSentMessage(body, posted.id) ? "sent" : "nothing";
  if (UNSENT.has(status)) return "unsent";
  if (status === 413) return "refused";
  if (status === 429 && retryAfter !== undefined) return "unsent";
  if ((status === 521 || status === 523) && server === "cloudflare") return "unsent";
  const said = ["error", "message"].map((field) => fieldOf(body, field));
  const begins = (words: string) => said.some((text) => typeof text === "string" && text.startsWith(words));
  if (UNSENT_WORDS.some(([code, words]) => code === status && begins(words))) return "unsent";
  const exception = fieldOf(fieldOf(body, "exception"), "message");
  return status === 500 && typeof exception === "string" ? proofOfWords(exception, posted) : "nothing";
}

function proofOfWords(exception: string, { engine }: Posted): Proof {
  if (engine === "NOWEB") return exception === "No sessions" ? "unsent" : "nothing";
  if (engine !== "GOWS" || !GRPC.test(exception)) return "nothing";
  const words = exception.replace(GRPC, "");
  if (WHATSAPP_WORDS.test(words)) return "unsent";
  return GOWS_WORDS.find(([beginning]) => words.startsWith(beginning))?.[1] ?? "nothing";
}

/** Only WAHA makes such a body, and only of the message in question where it has the id that was given. */
function isOfSentMessage(body: unknown, given: string | undefined): boolean {
  const id = fieldOf(body, "id");
  const parts = typeof id === "string" ? id.split("_") : [];
  const raw =
    parts[0] === "true"
      ? parts[2]
      : [id, fieldOf(body, "key")].flatMap((each) =>
          fieldOf(each, "fromMe") === true ? [fieldOf(each, "id")] : [],
        )[0];
  return typeof raw === "string" && raw !== "" && (given === undefined || raw === given);
}

function fieldOf(body: unknown, field: string): unknown {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>)[field] : undefined;
}

/** An answer in a few words, for people. */
export function tellAnswer({ answer, delivered }: Post): string {
  if (!answer) return "no answer";
  return `${answer.status}${delivered ? "" : " (never arrived)"}`;
}
