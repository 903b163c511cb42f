import { addSeconds, pauseFor } from "../../clock.ts";
import { describeError } from "../../log.ts";
import { releaseClaims } from "../../messages/claims.ts";
import { oldestFirst } from "../../messages/due.ts";
import type { ClaimedMessage } from "../../messages/transitions.ts";
import type { Reason } from "../../problems.ts";
import { restrictSession } from "../../sessions/leases.ts";
import type { WahaServer, WahaSession } from "../../waha/responses.ts";
import { countReleased, maySend, type Pass } from "../pass.ts";
import { attempt, type Lane } from "./deliver.ts";
import { MessageIds } from "./message-ids.ts";
import { claimTarget, type WorkerStatus } from "./plan.ts";

/**
 * Sends the messages of one session, one at a time and in order. The outcome of one is known before the next
 * intent is written; its record may travel with that intent.
 */
export class SessionWorker {
  readonly session: WahaSession;
  /** Why nothing more is sent on this session in this pass. */
  stopped: Reason | undefined;
  lastSentAt: Date | undefined;
  readonly #pass: Pass;
  readonly #lane: Lane;
  readonly #onChange: () => void;
  #queue: ClaimedMessage[] = [];
  #running: Promise<void> | undefined;
  #recording: Promise<unknown>[] = [];
  #turns = 0;
  #lastTurn = 0;
  #msPerMessage: number | undefined;

  /**
   * @param lastSentAt when the session's last message was posted, by whichever pass
   * @param onChange called when the session could do with more, and when it has nothing left
   */
  constructor(
    pass: Pass,
    session: WahaSession,
    server: WahaServer | undefined,
    lastSentAt: Date | undefined,
    onChange: () => void,
  ) {
    this.#pass = pass;
    this.session = session;
    this.lastSentAt = lastSentAt;
    this.#onChange = onChange;
    this.#lane = {
      session: session.name,
      ids: new MessageIds(pass, session, server),
      hasNext: () => this.#queue.length > 0,
      record: (recorded) => this.#recordBeside(recorded),
    };
  }

  get standing(): WorkerStatus {
    return {
      active: this.#running !== undefined,
      queued: this.#queue.length,
      target: this.#nextAt() < this.#pass.sendUntil ? claimTarget(this.#pass.config, this.#msPerMessage) : 0,
      turns: this.#turns,
    };
  }

  /** It was stopped by what WAHA or the database answered, not by the end of the pass. */
  get inTrouble(): boolean {
    return this.stopped !== undefined && this.stopped.code !== "out_of_time";
  }

  /** Half of its last turn is sent: time to look for more. */
  get low(): boolean {
    return this.#queue.length <= this.#lastTurn / 2;
  }

  /** Takes claimed messages over, and starts to send if it does not yet; of all that it has, the oldest comes next. */
  give(messages: ClaimedMessage[]): void {
    this.#turns += 1;
    this.#queue.push(...messages);
    this.#queue.sort(oldestFirst);
    this.#lastTurn = this.#queue.length;
    this.#running ??= this.#run();
  }

  /** Resolves when everything given is sent or given back, and recorded. */
  async finished(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** More may be given at any time, also while the last outcomes are recorded, and after the session was stopped. */
  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#sendQueue();
      if (this.stopped) await this.#giveBackQueue(this.stopped);
      // One record may lead to another.
      while (this.#recording.length > 0) await Promise.all(this.#recording.splice(0));
    }
    this.#running = undefined;
    this.#onChange();
  }

  async #sendQueue(): Promise<void> {
    while (!this.stopped && this.#queue.length > 0) {
      if (!(await this.#gap())) return this.#stop({ code: "out_of_time" });
      const next = this.#queue.shift();
      if (!next) return;
      const began = this.#pass.clock.now();
      const { posted, restricted, stop } = await attempt(this.#pass, this.#lane, next);
      this.#measure(-this.#pass.clock.until(began));
      if (posted) this.lastSentAt = this.#pass.clock.now();
      if (restricted) await this.#restrict();
      if (stop) this.#stop(stop);
      if (stop || this.low) this.#onChange();
    }
  }

  /** When the next message may be posted, `jitterMs` after the shortest pause. */
  #nextAt(jitterMs = 0): Date {
    const { clock, config } = this.#pass;
    const gap = (config.SEND_GAP_MS + jitterMs) / 1000;
    const now = clock.now();
    // Whoever recorded a time that has not come yet had another clock.
    const last = this.lastSentAt && this.lastSentAt < now ? this.lastSentAt : this.lastSentAt && now;
    return last ? addSeconds(last, gap) : now;
  }

  /** Waits out the pause between two messages; false if there is no time left to send another. */
  async #gap(): Promise<boolean> {
    const { clock, config, sendUntil, stop } = this.#pass;
    const wait = clock.until(this.#nextAt(Math.random() * config.SEND_GAP_JITTER_MS));
    if (clock.until(sendUntil) <= wait) return false;
    await pauseFor(wait, stop);
    return maySend(this.#pass);
  }

  /** Remembered at once: should the pass die now, the next one must know. */
  async #restrict(): Promise<void> {
    const { clock, db, id: passId, log } = this.#pass;
    await restrictSession(db, this.session.name, clock.now()).catch((error: unknown) =>
      log.warn(
        { passId, session: this.session.name, error: describeError(error) },
        "a restriction was not recorded",
      ),
    );
  }

  /** Ends the session's sending in this pass. */
  #stop(reason: Reason): void {
    this.stopped = reason;
    // Whatever stopped it was given back itself, or is followed by more.
    this.#pass.tally.more = true;
  }

  async #giveBackQueue(reason: Reason): Promise<void> {
    const ids = this.#queue.splice(0).map((message) => message._id);
    if (ids.length === 0) return;
    const { db, id, clock, log } = this.#pass;
    try {
      const { changed } = await releaseClaims(db, ids, id, clock.now(), reason);
      countReleased(this.#pass, reason, changed);
    } catch (error) {
      // The end of the pass tries once more, and a later pass rescues what is still claimed then.
      log.warn(
        { passId: id, session: this.session.name, error: describeError(error) },
        "claims not given back yet",
      );
    }
  }

  /** The session is finished only when every outcome is recorded, or was given up on. */
  #recordBeside(recorded: Promise<unknown>): void {
    const { log, id: passId } = this.#pass;
    this.#recording.push(
      recorded.catch((error: unknown) =>
        log.warn({ passId, error: describeError(error) }, "an outcome was not recorded"),
      ),
    );
  }

  #measure(ms: number): void {
    this.#msPerMessage = this.#msPerMessage === undefined ? ms : this.#msPerMessage * 0.8 + ms * 0.2;
  }
}
