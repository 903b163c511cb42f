import type { MediaKind } from "../../documents/mapping.ts";
import { newMessageId, takesMessageIds } from "../../waha/message-ids.ts";
import type { WahaServer, WahaSession } from "../../waha/responses.ts";

/** A text, or a kind of file: the engines have an endpoint for each. */
export type ContentKind = MediaKind | "text";

/** The ids under which a session's messages go out, so that a message whose answer is lost can be looked up. */
export class MessageIds {
  readonly #isSupported: boolean;
  readonly #ignoredFor = new Set<ContentKind>();

  constructor(session: WahaSession, server: WahaServer | undefined) {
    this.#isSupported = takesMessageIds(server, session);
  }

  /** A new id; undefined where WAHA would ignore it. */
  next(kind: ContentKind): string | undefined {
    return this.#isSupported && !this.#ignoredFor.has(kind) ? newMessageId() : undefined;
  }

  /** WAHA ignores the ids of such messages: looking one up by its id would never find it. */
  ignoredFor(kind: ContentKind): void {
    this.#ignoredFor.add(kind);
  }
}
