import { proofOf } from "../../dev/chaos/check/oracle.ts";
import type { Answer, RawAnswer } from "./raw-server.ts";

/** Of a longer answer no word counts. */
export const MAX_BYTES = 512 * 1024;

/** These have no body, so that none could be cut off; what comes as one with a 205 is none (RFC 9110, 15.3.6). */
export const BODILESS = [204, 205, 304];

/** An answer's body as it is: one that is packed, which was not asked for, is not unpacked. */
export function bytesOf({ body = "" }: Answer): Buffer {
  return Buffer.from(body as string);
}

/** What an answer's body says, undefined where it is no JSON object that came to its end. */
export function said(answer: Answer): Record<string, unknown> | undefined {
  if (answer.isCut || BODILESS.includes(answer.status)) return undefined;
  try {
    const bytes = bytesOf(answer);
    if (bytes.length > MAX_BYTES) return undefined;
    const value = JSON.parse(bytes.toString());
    return typeof value === "object" && !Array.isArray(value) ? (value ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

/** What an answer to `sendText` proves of a message with this id, by the list of what WAHA really does. */
export function proof(answer: RawAnswer, id?: string): "sent" | "unsent" | "failed" | "unproven" {
  if (answer === "reset") return "unproven";
  const { server, "retry-after": retryAfter } = answer.headers ?? {};
  const posted = { engine: "GOWS", isMedia: false, id };
  const proven = proofOf({ status: answer.status, body: said(answer), server, retryAfter }, posted);
  if (proven === "refused") return "failed";
  return proven === "nothing" ? "unproven" : proven;
}
