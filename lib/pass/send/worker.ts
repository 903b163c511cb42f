import { addSeconds, pauseFor } from "../../clock.ts";
import { describeError } from "../../log.ts";
import { releaseClaims, releaseExpired } from "../../messages/claims.ts";
import { oldestFirst } from "../../messages/due.ts";
import { hasMedia } from "../../messages/outgoing.ts";
import type { ClaimedMessage } from "../../messages/transitions.ts";
import type { Reason } from "../../problems.ts";
import { LeaseTrust, restrictSession } from "../../sessions/leases.ts";
import { engineOf } from "../../waha/client.ts";
import type { WahaServer, WahaSession } from "../../waha/responses.ts";
import { lastStart, maySend, type Pass } from "../pass.ts";
import { deliver, type Lane } from "./deliver.ts";
import { MessageIds } from "./message-ids.ts";
import { startableSoon, type WorkerStatus } from "./plan.ts";

/** A lease as it was taken: when the request was sent, and when the session's last message was posted. */
export interface Taken {
  at: Date;
  lastSentAt: Date | undefined;
}

/** What a worker tells of its session. */
interface WorkerEvents {
  /** It could do with more, or has nothing left. */
  changed(): void;
  /** A message was given back that this pass is not to try again. */
  notAgain(message: ClaimedMessage): void;
}

/**
 * Sends the messages of one session, one at a time and in order, under the session's lease. The outcome of one is
 * known before the next intent is written; its record may travel with that intent.
 */
export class SessionWorker {
  readonly session: WahaSession;
  readonly lease: LeaseTrust;
  /** Why nothing more is sent on this session by this worker. */
  stopped: Reason | undefined;
  lastSentAt: Date | undefined;
  /** A POST may still be under way: the lease must run out. */
  hasOpenPost = false;
  /** Claims may be left that could not be given back. */
  mayHoldClaims = false;
  /** When the next message may start: the pause after the last one is over. */
  readyAt: Date;
  readonly #pass: Pass;
  readonly #lane: Lane;
  readonly #events: WorkerEvents;
  #queue: ClaimedMessage[] = [];
  #running: Promise<void> | undefined;
  #recording: Promise<unknown>[] = [];
  #served = 0;
  #lastGiven = 0;
  #msPerMessage: number | undefined;

  constructor(
    pass: Pass,
    session: WahaSession,
    server: WahaServer | undefined,
    taken: Taken,
    events: WorkerEvents,
  ) {
    const { clock, lifetimes } = pass;
    this.#pass = pass;
    this.session = session;
    this.lease = new LeaseTrust(clock, taken.at, lifetimes.leaseMs, lifetimes.marginMs);
    this.lastSentAt = taken.lastSentAt;
    this.readyAt = this.#afterPause(taken.lastSentAt);
    this.#events = events;
    this.#lane = {
      session: session.name,
      engine: engineOf(server, session),
      ids: new MessageIds(pass, session, server),
      cutOff: this.lease.cutOff,
      whyNot: (message) => this.#whyNot(message),
      hasNext: () => this.#queue.length > 0,
      record: (recorded) => this.#recordBeside(recorded),
    };
  }

  get status(): WorkerStatus {
    const { clock, config, lifetimes } = this.#pass;
    const withinMs = Math.min(
      lifetimes.aheadMs,
      clock.until(this.lease.coversUntil),
      clock.until(lastStart(this.#pass)),
    );
    const soon = { waitMs: clock.until(this.readyAt), withinMs, msPerMessage: this.#msPerMessage };
    return {
      active: this.#running !== undefined,
      queued: this.#queue.length,
      target: startableSoon(config, soon),
      served: this.#served,
    };
  }

  /** WAHA's or the database's answer stopped it, not the end of the pass or of its lease. */
  get isInTrouble(): boolean {
    const { code } = this.stopped ?? {};
    return code !== undefined && code !== "out_of_time" && code !== "claim_ran_out";
  }

  /** Half of what it was given last is sent: time to look for more. */
  get isLow(): boolean {
    return this.#queue.length <= this.#lastGiven / 2;
  }

  /** Takes claimed messages over, and starts to send if it does not yet; of all that it has, the oldest comes next. */
  give(messages: ClaimedMessage[]): void {
    this.#served += 1;
    this.#queue.push(...messages);
    this.#queue.sort(oldestFirst);
    this.#lastGiven = this.#queue.length;
    this.#running ??= this.#run();
  }

  /** Sends nothing more: another pass has the lease, or it ran out. A POST that is under way goes on. */
  loseLease(): void {
    this.stopped ??= { code: "claim_ran_out", detail: "its session's lease was lost" };
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
    this.#events.changed();
  }

  async #sendQueue(): Promise<void> {
    const { clock, stop } = this.#pass;
    while (this.#queue[0] && !this.stopped) {
      if (this.readyAt >= lastStart(this.#pass)) return this.#stop({ code: "out_of_time" });
      await pauseFor(Math.min(clock.until(this.readyAt), clock.until(endOf(this.#queue[0]))), stop);
      // What was given meanwhile may have been due earlier.
      const [next] = this.#queue;
      const reason = this.#whyNot(next);
      if (reason?.code === "claim_ran_out") await this.#giveBackExpired();
      else if (reason) this.#stop(reason);
      else await this.#deliver(next);
    }
  }

  async #deliver(message: ClaimedMessage): Promise<void> {
    const { clock } = this.#pass;
    this.#queue.splice(this.#queue.indexOf(message), 1);
    const began = clock.now();
    const ready = this.readyAt;
    // While it is under way the next one is taken to start a pause from now.
    this.readyAt = this.#afterPause(began);
    const { notAgain, open, posted, restricted, stop } = await deliver(this.#pass, this.#lane, message);
    this.#measure(-clock.until(began));
    if (posted) this.lastSentAt = clock.now();
    this.readyAt = posted ? this.#afterPause(this.lastSentAt) : ready;
    this.hasOpenPost ||= open ?? false;
    if (notAgain) this.#events.notAgain(message);
    if (restricted) await this.#restrict();
    if (stop) this.#stop(stop);
    if (stop || this.isLow) this.#events.changed();
  }

  /** Why no attempt of a message may start now; undefined if one may. */
  #whyNot(message: ClaimedMessage): Reason | undefined {
    if (this.lease.cutOff.aborted) this.loseLease();
    if (this.stopped) return this.stopped;
    const { db, lifetimes } = this.#pass;
    const needsMs = hasMedia(message, db.documents.messages) ? lifetimes.mediaMs : lifetimes.attemptMs;
    if (!maySend(this.#pass, needsMs)) return { code: "out_of_time" };
    return this.#pass.clock.until(endOf(message)) > 0 ? undefined : { code: "claim_ran_out" };
  }

  /** When the pause after the last message is over, its random part drawn anew. */
  #afterPause(sentAt: Date | undefined): Date {
    const { clock, config } = this.#pass;
    const now = clock.now();
    if (!sentAt) return now;
    // A time that has not come yet is another clock's.
    const last = sentAt < now ? sentAt : now;
    return addSeconds(last, (config.SEND_GAP_MS + Math.random() * config.SEND_GAP_JITTER_MS) / 1000);
  }

  /** Remembered at once: should the pass die now, the next one must know. */
  async #restrict(): Promise<void> {
    const { clock, db, log } = this.#pass;
    const session = this.session.name;
    await restrictSession(db, session, clock.now()).catch((error: unknown) =>
      log.warn({ session, error: describeError(error) }, "a restriction was not recorded"),
    );
  }

  #stop(reason: Reason): void {
    this.stopped ??= reason;
  }

  async #giveBackQueue(reason: Reason): Promise<void> {
    const { clock, db, id, stats } = this.#pass;
    await this.#giveBack(this.#queue.splice(0), async (ids) => {
      const { changed } = await releaseClaims(db, ids, id, clock.now(), reason);
      stats.released(reason, changed);
    });
  }

  /** What did not start in time is claimed anew by the next look, which finds it first. */
  async #giveBackExpired(): Promise<void> {
    const { clock, db, id, stats } = this.#pass;
    const isOver = (message: ClaimedMessage) => clock.until(endOf(message)) <= 0;
    const over = this.#queue.filter(isOver);
    this.#queue = this.#queue.filter((message) => !over.includes(message));
    await this.#giveBack(over, async (ids) => {
      const { changed } = await releaseExpired(db, ids, id, clock.now());
      stats.released({ code: "claim_ran_out" }, changed);
    });
  }

  /** The end of the pass tries once more, and a later pass rescues what is still claimed then. */
  async #giveBack(
    messages: ClaimedMessage[],
    release: (ids: ClaimedMessage["_id"][]) => Promise<void>,
  ): Promise<void> {
    if (messages.length === 0) return;
    try {
      await release(messages.map((message) => message._id));
    } catch (error) {
      this.mayHoldClaims = true;
      const { log } = this.#pass;
      log.warn({ session: this.session.name, error: describeError(error) }, "claims not given back yet");
    }
  }

  /** The session is finished only when every outcome is recorded, or was given up on. */
  #recordBeside(recorded: Promise<unknown>): void {
    const { log } = this.#pass;
    this.#recording.push(
      recorded.catch((error: unknown) =>
        log.warn({ error: describeError(error) }, "an outcome was not recorded"),
      ),
    );
  }

  #measure(ms: number): void {
    this.#msPerMessage = this.#msPerMessage === undefined ? ms : this.#msPerMessage * 0.8 + ms * 0.2;
  }
}

const endOf = ({ delivery }: ClaimedMessage): Date => delivery.claimExpiresAt;
