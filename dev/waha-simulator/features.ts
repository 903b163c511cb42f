import type { Engine } from "./options.ts";

/** WAHA added `new-message-id`, and an `id` that sends honour, in this version. */
const MESSAGE_IDS_SINCE = "2026.4.3";

/**
 * The first version whose Core tier answers `/health`. A guess: older ones refuse, and from which on
 * they do not changes nothing for a client, to whom that refusal says nothing about health.
 */
const CORE_HEALTH_SINCE = "2025.1.1";

/** From this version on the Core tier sends files, too. */
const CORE_MEDIA_SINCE = "2026.6.1";

/** From this version on the list of sessions tells of an account that WhatsApp restricts. */
const TELLS_RESTRICTIONS_SINCE = "2026.7.2";

/** Whether this server tells of an account that WhatsApp restricts. */
export function tellsRestrictions(version: string): boolean {
  return isAtLeast(version, TELLS_RESTRICTIONS_SINCE);
}

/** Whether this server sends pictures, videos, voice messages and files. */
export function hasMedia(version: string, tier: "CORE" | "PLUS"): boolean {
  return tier === "PLUS" || isAtLeast(version, CORE_MEDIA_SINCE);
}

/** Whether this server knows `GET /api/{session}/new-message-id` at all. */
export function hasMessageIdRoute(version: string): boolean {
  return isAtLeast(version, MESSAGE_IDS_SINCE);
}

/** Whether a session of this engine makes message ids, and sends under the one it is given. */
export function hasMessageIds(version: string, engine: Engine): boolean {
  return hasMessageIdRoute(version) && engine !== "WEBJS";
}

/** Whether `/health` says anything about health. */
export function hasHealth(version: string, tier: "CORE" | "PLUS"): boolean {
  return tier === "PLUS" || isAtLeast(version, CORE_HEALTH_SINCE);
}

/** Compares `YYYY.MM.BUILD` number by number: as text, 2024.10 would come before 2024.9. */
function isAtLeast(version: string, minimum: string): boolean {
  return version.localeCompare(minimum, "en", { numeric: true }) >= 0;
}
