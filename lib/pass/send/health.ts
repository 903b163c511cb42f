import { addSeconds } from "../../clock.ts";
import { UnavailableError } from "../../errors.ts";
import { describeError } from "../../log.ts";
import { asReason, type Reason } from "../../problems.ts";
import { LONGEST_REST_SECONDS, type SuspensionCode } from "../../sessions/leases.ts";
import {
  chatRestriction,
  clearStrikes,
  restrictionReason,
  type Strikes,
  strikeSession,
  suspensionReason,
} from "../../sessions/suspensions.ts";
import type { NotSent } from "../../waha/outcome-table.ts";
import type { WahaSession } from "../../waha/responses.ts";
import { snapshotMs } from "../../waha/snapshot.ts";
import type { Pass } from "../pass.ts";

/**
 * Minutes of rest after the first, second, and so on, strike of a kind; the last number holds for all further ones.
 * Strikes count while no message of the session is accepted. So after three of them it costs one POST a rest to learn
 * whether a sick session works again. The hour for an account is a guess: an older WAHA does not tell when a restriction
 * ends.
 */
const RESTS: Record<SuspensionCode, readonly number[]> = {
  session_sick: [0, 0, 1, 5, 15],
  session_throttled: [1, 5, 15],
  account_restricted: [0, 60],
};

/** How many strikes of a kind are kept. */
const MOST_STRIKES = 20;

/** How many refused POSTs one chat gets in a tenure while no message of its session is accepted. */
const MOST_REFUSED = 3;

/** What an outcome means for its message, and for the session. */
export interface Consequence {
  kind: NotSent["kind"];
  reason: Reason;
  /** Nothing more may be sent on the session in this pass, and why. */
  stop?: Reason | undefined;
  /** Its answer may be about it alone: it goes out after the others of its session. */
  isDeferred?: boolean;
  /** It fails if a message of the session is accepted soon: then its answer was about it alone. */
  isSuspect?: boolean;
}

/** How a session fares by the outcomes of its messages, over passes: what its lease says of that, and what is added to it. */
export class SessionHealth {
  readonly #pass: Pass;
  readonly #session: WahaSession;
  /** What stands against it; undefined if nothing does, on its lease either. */
  #standing: Strikes | undefined;
  /** The chats of which answers had spoken against the session before it accepted a message in this tenure. */
  readonly #cleared = new Set<string>();
  #acceptedAt: Date | undefined;
  /** By chat: its refused POSTs since the session's last accepted message, in this tenure. An unproven one counts as all. */
  readonly #refused = new Map<string, number>();

  /** @param standing the strikes that its lease tells of */
  constructor(pass: Pass, session: WahaSession, standing: Strikes | undefined) {
    this.#pass = pass;
    this.#session = session;
    this.#standing = standing;
  }

  /** Why nothing may be sent to a chat now, though the session works; undefined if it may. */
  whyNot(chatId: string): Reason | undefined {
    const isHeldBack = (this.#refused.get(chatId) ?? 0) >= MOST_REFUSED;
    return isHeldBack ? this.#paused : chatRestriction(this.#session, chatId, this.#pass.clock.now());
  }

  /**
   * How far apart, in milliseconds, a refused and an accepted message may be for the second to show that the session was
   * not at fault: some seconds, and the pause between two messages. Later it may have failed and recovered.
   */
  get beliefMs(): number {
    const { config, lifetimes } = this.#pass;
    return lifetimes.settledMs + config.SEND_GAP_MS + config.SEND_GAP_JITTER_MS;
  }

  /** A message was accepted, posted at that moment: what stood against the session before is over. */
  async accepted(postedAt: Date): Promise<void> {
    this.#acceptedAt = postedAt;
    this.#refused.clear();
    if (!this.#standing) return;
    for (const chat of this.#standing.session_sick ?? []) this.#cleared.add(chat);
    this.#standing = undefined;
    await clearStrikes(this.#pass.db, this.#session.name, postedAt);
  }

  /** Judges what an outcome of a chat's message means; suspensions are written before it returns. */
  async judge(outcome: NotSent, chatId: string): Promise<Consequence> {
    const { about, code, kind, restMs } = outcome;
    const reason = asReason(outcome);
    switch (about) {
      case "message":
        return { kind, reason };
      case "either":
        return this.#judgeEither(outcome, chatId);
      case "account":
        return this.#judgeAccount(reason, chatId);
      default: {
        if (code !== "session_throttled")
          return { kind, reason, stop: kind === "unproven" ? this.#paused : reason };
        const stop = (await this.#strike(code, chatId, restMs)) ?? reason;
        return { kind, reason: stop, stop };
      }
    }
  }

  /** One answer does not tell whether the chat or the session is at fault. The session's other outcomes do. */
  async #judgeEither(outcome: NotSent, chatId: string): Promise<Consequence> {
    const { failsAlone = false, kind } = outcome;
    const reason = asReason(outcome);
    const isDeferred = kind === "unsent";
    // It was refused, others were accepted, and it is refused again: the session has nothing to do with it.
    if (this.#cleared.has(chatId) && this.#acceptedLately)
      return { kind: isDeferred && failsAlone ? "failed" : kind, reason, isDeferred };
    // What may have been sent is not risked again.
    const more = kind === "unproven" ? MOST_REFUSED : 1;
    this.#refused.set(chatId, (this.#refused.get(chatId) ?? 0) + more);
    const stop = await this.#strike("session_sick", chatId);
    return { kind, reason, stop, isDeferred, isSuspect: isDeferred && failsAlone };
  }

  get #acceptedLately(): boolean {
    return this.#acceptedAt !== undefined && -this.#pass.clock.until(this.#acceptedAt) <= this.beliefMs;
  }

  get #paused(): Reason {
    return { code: "session_paused", detail: this.#session.name };
  }

  /** WhatsApp's 463: of an account that may not open chats, or of a chat that was never opened before. */
  async #judgeAccount(reason: Reason, chatId: string): Promise<Consequence> {
    const isRead = await this.#readAgain();
    const restriction = restrictionReason(this.#session, this.#pass.clock.now());
    if (restriction) return { kind: "unsent", reason: restriction };
    if (!isRead) return { kind: "unsent", reason, stop: reason };
    const ofChat: Consequence = { kind: "failed", reason: { ...reason, code: "whatsapp_refused" } };
    // Only WAHA's own word clears the account.
    if (this.#session.restriction === null) return ofChat;
    const stop = await this.#strike("account_restricted", chatId);
    return stop ? { kind: "unsent", reason: stop, stop } : ofChat;
  }

  /** @returns false where there is no list */
  async #readAgain(): Promise<boolean> {
    const { config, waha } = this.#pass;
    try {
      const sessions = await waha.listSessions(snapshotMs(config));
      // In place: a worker that follows this one in the same pass is to know.
      this.#session.restriction = sessions.get(this.#session.name)?.restriction;
      return true;
    } catch (error) {
      if (error instanceof UnavailableError) return false;
      throw error;
    }
  }

  /**
   * Records a strike. A chat counts once, but for `session_throttled`, so that one bad chat can't condemn its session. A
   * chat that has counted adds no strike; the session rests for as long as its strikes say.
   *
   * @returns why the session rests, if it does by now
   */
  async #strike(code: SuspensionCode, chatId: string, restMs?: number): Promise<Reason | undefined> {
    const { clock, db, lifetimes, log } = this.#pass;
    const at = clock.now();
    const known = this.#standing?.[code] ?? [];
    const counts = code === "session_throttled" || !known.includes(chatId);
    const chats = counts ? [...known, chatId].slice(-MOST_STRIKES) : known;
    const strikes = { ...this.#standing, [code]: chats };
    this.#standing = strikes;
    const rests = RESTS[code];
    const minutes = rests[Math.min(chats.length, rests.length) - 1] ?? 0;
    const untilMs = Math.min(restMs ?? minutes * lifetimes.restMs, LONGEST_REST_SECONDS * 1000);
    const until = untilMs > 0 ? addSeconds(at, untilMs / 1000) : undefined;
    const session = this.#session.name;
    await strikeSession(db, session, { strikes, at }, until && { code, until }).catch((error: unknown) =>
      log.warn({ session, error: describeError(error) }, "a strike was not recorded"),
    );
    return until && suspensionReason(session, code, until);
  }
}
