import { addSeconds } from "../../clock.ts";
import { UnavailableError } from "../../errors.ts";
import { describeError } from "../../log.ts";
import { asReason, type Reason } from "../../problems.ts";
import type { SuspensionCode } from "../../sessions/leases.ts";
import {
  chatRestriction,
  clearStrikes,
  restrictionReason,
  type Strikes,
  strikeSession,
  suspensionReason,
} from "../../sessions/suspensions.ts";
import { tellsRestrictions } from "../../waha/client.ts";
import type { NotSent } from "../../waha/outcome-table.ts";
import type { WahaServer, WahaSession } from "../../waha/responses.ts";
import { snapshotMs } from "../../waha/snapshot.ts";
import type { Pass } from "../pass.ts";

/**
 * For how many minutes a session rests after so many strikes in a row, with no message accepted between; the last
 * holds for all further ones. So after three answers that may be about a session as well as about their messages it
 * costs one POST a rest to find out whether it works again. An hour for an account is a guess: WhatsApp tells no time
 * to a WAHA that can't tell it on.
 */
const RESTS: Record<SuspensionCode, readonly number[]> = {
  session_sick: [0, 0, 1, 5, 15],
  session_throttled: [1, 5, 15],
  account_restricted: [0, 60],
};

/** What an outcome means for its message, and for the session. */
export interface Verdict {
  kind: NotSent["kind"];
  reason: Reason;
  /** Nothing more may be sent on the session in this pass, and why. */
  stop?: Reason | undefined;
  /** It fails if a later message of the session is accepted: then its answer was about it alone. */
  isSuspect?: boolean;
}

/** How a session fares by the outcomes of its messages, over passes: what its lease says of that, and what is added to it. */
export class SessionHealth {
  readonly #pass: Pass;
  readonly #session: WahaSession;
  readonly #server: WahaServer | undefined;
  #standing: Strikes | undefined;

  /** @param standing the strikes that its lease tells of */
  constructor(
    pass: Pass,
    session: WahaSession,
    server: WahaServer | undefined,
    standing: Strikes | undefined,
  ) {
    this.#pass = pass;
    this.#session = session;
    this.#server = server;
    this.#standing = standing;
  }

  /** Why nothing may be sent to a chat now, though the session works; undefined if it may. */
  whyNot(chatId: string): Reason | undefined {
    return chatRestriction(this.#session, chatId, this.#pass.clock.now());
  }

  /** A message was accepted, posted at that moment: what stood against the session before is over. */
  async accepted(postedAt: Date): Promise<void> {
    if (!this.#standing) return;
    this.#standing = undefined;
    await clearStrikes(this.#pass.db, this.#session.name, postedAt);
  }

  /** Judges what an outcome means; suspensions are written before it returns. */
  async judge(outcome: NotSent): Promise<Verdict> {
    const { about, code, kind, restMs } = outcome;
    const reason = asReason(outcome);
    switch (about) {
      case "message":
        return { kind, reason };
      case "either": {
        const stop = await this.#strike("session_sick", { isBurnt: kind === "unproven" });
        return { kind, reason, stop, isSuspect: kind === "unsent" };
      }
      case "account":
        return this.#judgeAccount(reason);
      default: {
        const paused: Reason = { code: "session_paused", detail: this.#session.name };
        if (code !== "session_throttled")
          return { kind, reason, stop: kind === "unproven" ? paused : reason };
        const stop = await this.#strike(code, { restMs });
        return { kind, reason: stop ?? reason, stop: stop ?? reason };
      }
    }
  }

  /** WhatsApp's 463: of an account that may not open chats, or of a chat that was never opened before. */
  async #judgeAccount(reason: Reason): Promise<Verdict> {
    const isRead = await this.#readAgain();
    const restriction = restrictionReason(this.#session, this.#pass.clock.now());
    if (restriction) return { kind: "unsent", reason: restriction };
    if (!isRead) return { kind: "unsent", reason, stop: reason };
    const ofChat: Verdict = { kind: "failed", reason: { ...reason, code: "whatsapp_refused" } };
    if (tellsRestrictions(this.#server)) return ofChat;
    const stop = await this.#strike("account_restricted", { isBurnt: true });
    return stop ? { kind: "unsent", reason: stop, stop } : ofChat;
  }

  /** @returns false where WAHA did not tell */
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
   * Counts an outcome that speaks against the session.
   *
   * @param isBurnt a message ended by it: it counts in later passes, too. What is only given back does not, or one that is
   * tried again and again would speak against its session alone
   * @returns why the session rests, if it does by now
   */
  async #strike(
    code: SuspensionCode,
    { isBurnt = false, restMs }: { isBurnt?: boolean; restMs?: number | undefined },
  ): Promise<Reason | undefined> {
    const { clock, db, lifetimes, log } = this.#pass;
    const at = clock.now();
    const strikes = (this.#standing?.code === code ? this.#standing.strikes : 0) + 1;
    const rests = RESTS[code];
    const minutes = rests[Math.min(strikes, rests.length) - 1] ?? 0;
    const untilMs = restMs ?? minutes * lifetimes.restMs;
    const until = untilMs > 0 ? addSeconds(at, untilMs / 1000) : undefined;
    this.#standing = { code, strikes, at };
    const session = this.#session.name;
    if (until || isBurnt)
      await strikeSession(db, session, { code, strikes, at }, until).catch((error: unknown) =>
        log.warn({ session, error: describeError(error) }, "a suspension was not recorded"),
      );
    return until && suspensionReason(session, code, until);
  }
}
