import type { Post } from "../record.ts";

/**
 * What the answer to a POST proves: `unsent` lets it be tried again, `refused` does so only where a person asks,
 * `nothing` never.
 */
export type Proof = "sent" | "unsent" | "refused" | "nothing";

interface Answer {
  status: number;
  body: unknown;
}

/** Answers that prove by their status alone that nothing was sent: no body is needed, and it may be cut off. */
const UNSENT = new Set([301, 302, 307, 308, 400, 401]);

/** Words that prove it at the beginning of an error or a message: further on they may be a text's, and prove nothing. */
const UNSENT_WORDS: [status: number, words: string][] = [
  [404, "We didn't find a session"],
  [422, "Session status is not as expected"],
  [422, "WAHA Core support only 'default' session"],
];

/** GOWS passes a refusal of WhatsApp's own on as a 500 with these words in its exception. */
const REFUSED_WORDS = /^(\d+ [A-Z_]+: )?server returned error \d{3}$/;

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

/** @param engine the session's: not every one is known to load a file before it sends */
export function provenBy({ answer, delivered, kind }: Post, engine: string | undefined): Proof {
  // An answer that did not arrive proves nothing to the pass that waited for it.
  if (!answer || !delivered) return "nothing";
  const proof = proofOf(answer);
  return proof === "nothing" && kind !== "text" ? proofOfFile(answer, engine) : proof;
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
 * @param body what it says as JSON, undefined where it is cut off or none
 */
export function proofOf({ status, body }: Answer): Proof {
  if (status === 201) return "sent";
  if (UNSENT.has(status)) return "unsent";
  const said = ["error", "message"].map((field) => fieldOf(body, field));
  const begins = (words: string) => said.some((text) => typeof text === "string" && text.startsWith(words));
  if (UNSENT_WORDS.some(([code, words]) => code === status && begins(words))) return "unsent";
  const exception = fieldOf(fieldOf(body, "exception"), "message");
  return status === 500 && typeof exception === "string" && REFUSED_WORDS.test(exception)
    ? "refused"
    : "nothing";
}

function fieldOf(body: unknown, field: string): unknown {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>)[field] : undefined;
}

/** An answer in a few words, for people. */
export function tellAnswer({ answer, delivered }: Post): string {
  if (!answer) return "no answer";
  return `${answer.status}${delivered ? "" : " (never arrived)"}`;
}
