import { createHash, timingSafeEqual } from "node:crypto";

/** What is wrong with a caller's credentials; for the log only, the caller is told nothing. */
export type AuthResult = "ok" | "missing" | "malformed" | "wrong";

/** RFC 6750: the scheme in any case, one or more spaces, a token of RFC 7235's token68 or any other visible characters. */
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/**
 * Checks an `Authorization` header against the secret. The secrets are compared as digests, so the time it
 * takes tells neither how much matched nor how long the secret is.
 */
export function checkBearer(header: string | null, secret: string): AuthResult {
  if (header === null) return "missing";
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) return "malformed";
  return timingSafeEqual(digest(token), digest(secret)) ? "ok" : "wrong";
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
