import { describeError } from "../../log.ts";
import { returnClaims } from "../../messages/claims.ts";
import { documentKey, type Id } from "../../mongo/ids.ts";
import type { Reason } from "../../problems.ts";
import type { Pass } from "../pass.ts";

/** Claims of this pass that it gives back untried. */
interface Return {
  sessions: string[];
  ids: Id[];
  reason: Reason;
  /** Of which claim they are, where the pass may have claimed some again since. */
  claimedAt?: Date;
}

/** Gives claims back, and keeps in mind those of which the database did not acknowledge it: they are tried again. */
export class ClaimsToReturn {
  readonly #pass: Pass;
  #pending: Return[] = [];

  constructor(pass: Pass) {
    this.#pass = pass;
  }

  /** Whether claims may stand on a session that no worker has. */
  holds(session: string): boolean {
    return this.#pending.some(({ sessions }) => sessions.includes(session));
  }

  /** Keeps claims in mind that are being made, until they are seen: it is not known yet whether they take effect. */
  expect(claims: Return): void {
    this.#pending.push(claims);
  }

  /** Claims that were expected have been handed over, or were not made; the others are still to be given back. */
  seen(claims: Return, ids: Id[]): void {
    const keys = new Set(ids.map(documentKey));
    claims.ids = claims.ids.filter((id) => !keys.has(documentKey(id)));
    if (claims.ids.length === 0) this.#forget(claims);
  }

  /** Gives claims back, or keeps them in mind; never rejects. */
  async giveBack(claims: Return): Promise<void> {
    if (claims.ids.length === 0) return;
    this.#pending.push(claims);
    await this.#tryOnce(claims).catch((error: unknown) =>
      this.#pass.log.warn({ error: describeError(error) }, LATER),
    );
  }

  /**
   * Tries again.
   *
   * @throws the driver's error, if the database does not acknowledge it this time either
   */
  async retry(): Promise<void> {
    for (const claims of [...this.#pending]) await this.#tryOnce(claims);
  }

  async #tryOnce(claims: Return): Promise<void> {
    const { clock, db, id, stats } = this.#pass;
    const { claimedAt, ids, reason } = claims;
    const { changed, rejected } = await returnClaims(db, ids, id, clock.now(), reason, claimedAt);
    stats.released(reason, changed);
    stats.lasting("database_refused", rejected);
    this.#forget(claims);
  }

  #forget(claims: Return): void {
    this.#pending = this.#pending.filter((each) => each !== claims);
  }
}

const LATER = "claims were not given back yet";
