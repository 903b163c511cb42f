import { randomBytes } from "node:crypto";
import { engineOf, isSince } from "./client.ts";
import type { WahaServer, WahaSession } from "./responses.ts";

/** Message ids came with this version, on these engines; elsewhere a given id is ignored in silence. */
const MESSAGE_IDS = { since: [2026, 4, 3], engines: new Set<string | undefined>(["NOWEB", "GOWS"]) };

/** Whether a message on this session can be given an id beforehand, by which a lost answer can be looked up. */
export function takesMessageIds(server: WahaServer | undefined, session: WahaSession): boolean {
  return MESSAGE_IDS.engines.has(engineOf(server, session)) && isSince(server, MESSAGE_IDS.since);
}

/**
 * An id as GOWS and NOWEB make them: `3EB0` and 18 upper-case hex digits (whatsmeow's `GenerateMessageID` and Baileys'
 * `generateMessageIDV2`, whose hash looks like random digits). Readers take the kind of device from its form.
 */
export function newMessageId(): string {
  return `3EB0${randomBytes(9).toString("hex").toUpperCase()}`;
}
