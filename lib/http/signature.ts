import { createHmac, timingSafeEqual } from "node:crypto";

/** A SHA-512 digest in hex. */
const DIGEST = /^[0-9a-f]{128}$/i;

/** The digest that a webhook claims for its body; undefined if it claims none that could be right. */
export function readDigest(headers: Headers): Buffer | undefined {
  const algorithm = headers.get("x-webhook-hmac-algorithm") ?? "sha512";
  const digest = headers.get("x-webhook-hmac") ?? "";
  return algorithm.toLowerCase() === "sha512" && DIGEST.test(digest) ? Buffer.from(digest, "hex") : undefined;
}

/** Whether a digest is the HMAC-SHA512 of a body, compared in constant time. */
export function isSigned(body: Buffer, digest: Buffer, key: string): boolean {
  return timingSafeEqual(createHmac("sha512", key).update(body).digest(), digest);
}
