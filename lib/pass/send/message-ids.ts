import { type NewMessageId, takesMessageIds } from "../../waha/client.ts";
import type { SendOutcome } from "../../waha/outcome.ts";
import type { WahaServer, WahaSession } from "../../waha/responses.ts";
import type { Pass } from "../pass.ts";

/** An id is made by WAHA alone, without WhatsApp; where that takes longer, something is wrong. */
const NEW_ID_TIMEOUT_MS = 5_000;

/** The message ids of one session: asked for one at a time, the next one's while a message is being sent. */
export class MessageIds {
  readonly #pass: Pass;
  readonly #session: string;
  #supported: boolean;
  #ahead: Promise<NewMessageId> | undefined;

  constructor(pass: Pass, session: WahaSession, server: WahaServer | undefined) {
    this.#pass = pass;
    this.#session = session.name;
    this.#supported = takesMessageIds(server, session);
  }

  /**
   * The id for the next message: undefined where there is none to be had, and an outcome where WAHA refused
   * or could not be asked. Then nothing was posted, and a POST would fare no better.
   */
  async take(): Promise<string | undefined | Extract<SendOutcome, { code: unknown }>> {
    if (!this.#supported) return undefined;
    const answer = await (this.#ahead ?? this.#ask());
    this.#ahead = undefined;
    if (answer === "unsupported") this.#supported = false;
    if (typeof answer === "string") return undefined;
    if ("id" in answer) return answer.id;
    return answer.kind === "sent" ? undefined : answer;
  }

  fetchAhead(): void {
    if (this.#supported) this.#ahead ??= this.#ask();
  }

  /** WAHA ignores the ids that it is given: looking a message up by one would never find it. */
  giveUp(): void {
    this.#supported = false;
  }

  #ask(): Promise<NewMessageId> {
    const { clock, config, requestsUntil, waha } = this.#pass;
    const timeoutMs = Math.min(NEW_ID_TIMEOUT_MS, config.WAHA_TIMEOUT_MS, clock.until(requestsUntil));
    return waha.newMessageId(this.#session, timeoutMs);
  }
}
