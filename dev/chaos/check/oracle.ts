import type { Post } from "../record.ts";

/**
 * What the answer to a POST proves: `unsent` lets it be tried again, `refused` does so only where a person asks,
 * `nothing` never.
 */
export type Proof = "sent" | "unsent" | "refused" | "nothing";

/** Answers that prove by their status alone that nothing was sent: no body is needed, and it may be cut off. */
const UNSENT = new Set([301, 302, 307, 308, 400, 401]);

/** Words that prove it, and where they stand in the body. Others of the same status prove nothing. */
const UNSENT_WORDS: [status: number, field: "error" | "message", words: string][] = [
  [404, "message", "We didn't find a session"],
  [422, "error", "Session status is not as expected"],
  [422, "message", "WAHA Core support only 'default' session"],
];

/** GOWS passes a refusal of WhatsApp's own on as a 500 with these words in its exception. */
const REFUSED_WORDS = /^(\d+ [A-Z_]+: )?server returned error \d+$/;

/**
 * What WAHA is known to mean by its answers, written down a second time: from what WAHA does, and not from what the
 * scheduler makes of it, so that a mistake there can't hide here.
 */
export function provenBy({ answer, delivered }: Post): Proof {
  // An answer that did not arrive proves nothing to whoever waited for it.
  if (!answer || !delivered) return "nothing";
  const { status, body } = answer;
  if (status === 201) return "sent";
  if (UNSENT.has(status)) return "unsent";
  const said = (field: string) => String(fieldOf(body, field) ?? "");
  if (UNSENT_WORDS.some(([code, field, words]) => code === status && said(field).includes(words)))
    return "unsent";
  const exception = String(fieldOf(fieldOf(body, "exception"), "message") ?? "");
  return status === 500 && REFUSED_WORDS.test(exception) ? "refused" : "nothing";
}

function fieldOf(body: unknown, field: string): unknown {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>)[field] : undefined;
}

/** An answer in a few words, for people. */
export function tellAnswer({ answer, delivered }: Post): string {
  if (!answer) return "no answer";
  return `${answer.status}${delivered ? "" : " (never arrived)"}`;
}
