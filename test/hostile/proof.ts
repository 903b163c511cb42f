import type { Answer, RawAnswer } from "./raw-server.ts";

/** Of a longer answer no word counts. */
export const MAX_BYTES = 512 * 1024;

/** To these there is no body that could be cut off. */
export const BODILESS = [204, 304];

/** An answer's body as it is: one that is packed, which nobody asked for, is not unpacked. */
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

const begins = (answer: Answer, ...beginnings: string[]) =>
  [said(answer)?.error, said(answer)?.message].some(
    (word) => typeof word === "string" && beginnings.some((beginning) => word.startsWith(beginning)),
  );

/** What an answer to `sendText` proves, by the list of what WAHA really does. */
export function proof(answer: RawAnswer): "sent" | "unsent" | "failed" | "unproven" {
  if (answer === "reset") return "unproven";
  const { status } = answer;
  if (status === 201) return "sent";
  if ([301, 302, 307, 308, 400, 401].includes(status)) return "unsent";
  if (status === 404) return begins(answer, "We didn't find a session") ? "unsent" : "unproven";
  const refusals = ["Session status is not as expected", "WAHA Core support only 'default' session"];
  if (status === 422) return begins(answer, ...refusals) ? "unsent" : "unproven";
  const { message } = (said(answer)?.exception ?? {}) as { message?: unknown };
  const refused =
    typeof message === "string" && /^(\d+ [A-Z_]+: )?server returned error \d{3}$/.test(message);
  return status === 500 && refused ? "failed" : "unproven";
}
