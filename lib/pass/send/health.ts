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
 * For how many minutes a session rests after so many strikes, with no message accepted between; the last holds for all
 * further ones. So after three answers that may be about a session as well as about their messages it costs one POST a
 * rest to find out whether it works again. An hour for an account is a guess: WhatsApp tells no time to a WAHA that
 * can't tell it on.
 */
const RESTS: Record<SuspensionCode, readonly number[]> = {
  session_sick: [0, 0, 1, 5, 15],
  session_throttled: [1, 5, 15],
  account_restricted: [0, 60],
};

/** How many strikes of a kind are kept. */
const MOST_STRIKES = 20;

/** So often a pass posts to a chat that is refused each time, while no message of the session is accepted. */
const MOST_REFUSED = 3;

/** What an outcome means for its message, and for the session. */
export interface Consequence {
  kind: NotSent["kind"];
  reason: Reason;
  /** Nothing more may be sent on the session in this pass, and why. */
  stop?: Reason | undefined;
  /** Its answer may be about it alone: it goes behind the others of its session. */
  goesBehind?: boolean;
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
  /** How often each chat was refused since the session accepted a message for last, in this tenure. */
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
   * For how long answers and an accepted message of the session speak of each other, in milliseconds: for some seconds,
   * and the pause between two messages. Later the session may have been another one, so to speak.
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

  /** By one answer it can't be told whether its chat is at fault or the session; by what the session does else it can. */
  async #judgeEither(outcome: NotSent, chatId: string): Promise<Consequence> {
    const { failsAlone = false, kind } = outcome;
    const reason = asReason(outcome);
    const goesBehind = kind === "unsent";
    // It was refused, others were accepted, and it is refused again: the session has nothing to do with it.
    if (this.#cleared.has(chatId) && this.#acceptedLately)
      return { kind: goesBehind && failsAlone ? "failed" : kind, reason, goesBehind };
    // What may have been sent is not risked again.
    const more = kind === "unproven" ? MOST_REFUSED : 1;
    this.#refused.set(chatId, (this.#refused.get(chatId) ?? 0) + more);
    const stop = await this.#strike("session_sick", chatId);
    return { kind, reason, stop, goesBehind, isSuspect: goesBehind && failsAlone };
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
   * Counts an outcome that speaks against the session: of its health each chat's once, or one bad chat would speak against
   * it again and again. Where that chat finds it still at rest by others, it rests as long as before.
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
