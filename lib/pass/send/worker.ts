import { addSeconds, earliest, pauseFor } from "../../clock.ts";
import { describeError } from "../../log.ts";
import { inTurn } from "../../messages/due.ts";
import { hasMedia } from "../../messages/outgoing.ts";
import type { ClaimedMessage } from "../../messages/transitions.ts";
import type { Reason } from "../../problems.ts";
import { engineOf } from "../../waha/client.ts";
import type { WahaServer, WahaSession } from "../../waha/responses.ts";
import { lastStart, maySend, type Pass } from "../pass.ts";
import type { ClaimsToReturn } from "./claims-to-return.ts";
import { deliver, type SessionContext } from "./deliver.ts";
import { SessionHealth } from "./health.ts";
import type { HeldLease } from "./held-leases.ts";
import { MessageIds } from "./message-ids.ts";
import { startableSoon, type WorkerStatus } from "./plan.ts";

/** What a worker sends on: a session as WAHA shows it, and its lease. */
export interface Assigned {
  session: WahaSession;
  server: WahaServer | undefined;
  lease: HeldLease;
}

/** These end a worker without saying anything about its session: it may be served again by this pass. */
const NOT_ABOUT_SESSION = new Set(["out_of_time", "claim_ran_out", "database_lost"]);

/** These are the account's alone, and say nothing of WAHA. */
const OF_ACCOUNT = new Set(["session_throttled", "account_restricted"]);

/** Why messages are given back whose look began before earlier ones went back. */
const OVERTAKES: Reason = { code: "claim_ran_out", detail: "messages due before it were given back" };

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
  readonly lease: HeldLease;
  /** Why nothing more is sent on this session by this worker. */
  stopped: Reason | undefined;
  /** When the next message may start: the pause after the last one is over. */
  readyAt: Date;
  readonly #pass: Pass;
  readonly #context: SessionContext;
  readonly #claims: ClaimsToReturn;
  readonly #events: WorkerEvents;
  #queue: ClaimedMessage[] = [];
  #running: Promise<void> | undefined;
  readonly #recording = new Set<Promise<unknown>>();
  /** How often messages are being given back just now, and when they last had been. */
  #returning = 0;
  #returnedAt: Date | undefined;
  /** Since when a message is being delivered. */
  #deliveringSince: Date | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #defect: { error: unknown } | undefined;
  #served = 0;
  #lastGiven = 0;
  #msPerMessage: number | undefined;

  constructor(
    pass: Pass,
    { lease, server, session }: Assigned,
    claims: ClaimsToReturn,
    events: WorkerEvents,
  ) {
    this.#pass = pass;
    this.session = session;
    this.lease = lease;
    this.readyAt = this.#afterPause(lease.lastSentAt);
    this.#claims = claims;
    this.#events = events;
    this.#context = {
      session: session.name,
      engine: engineOf(server, session),
      ids: new MessageIds(session, server),
      health: new SessionHealth(pass, session, lease.strikes),
      suspects: [],
      cutOff: lease.cutOff,
      whyNot: (message) => this.#whyNot(message),
      record: (recorded) => this.#recordBeside(recorded),
      stop: (reason) => this.#stop(reason),
    };
  }

  /** It has something to send, or an outcome to record. */
  get isActive(): boolean {
    return this.#running !== undefined;
  }

  get status(): WorkerStatus {
    return {
      active: this.isActive,
      queued: this.#queue.length,
      target: this.isDone ? 0 : this.#target(),
      served: this.#served,
    };
  }

  /** Nothing more is sent by this worker: it was stopped, or its lease covers nothing any more. */
  get isDone(): boolean {
    return this.stopped !== undefined || this.lease.isOver;
  }

  /** It was stopped for a reason that closes its session, until the pass tries everything afresh. */
  get closesSession(): boolean {
    return this.stopped !== undefined && !NOT_ABOUT_SESSION.has(this.stopped.code);
  }

  /** It closes its session, for a reason that need not be the account's alone: three such sessions open the circuit. */
  get isInTrouble(): boolean {
    return this.closesSession && !OF_ACCOUNT.has(this.stopped?.code ?? "");
  }

  /** Half of what it was given last is sent: time to look for more. */
  get isLow(): boolean {
    return this.#queue.length <= this.#lastGiven / 2;
  }

  /**
   * Takes claimed messages over, and starts to send if it does not yet; of all that it has, the oldest comes next.
   *
   * @param seenAt when the look at what is due began by which they were claimed
   */
  give(messages: ClaimedMessage[], seenAt: Date): void {
    this.#served += 1;
    this.#queue.push(...messages);
    this.#queue.sort(inTurn);
    this.#lastGiven = this.#queue.length;
    this.#running ??= this.#run();
    // After the run has begun: with an empty queue it would end before `#running` is set, and the worker stay active.
    if (this.#mayOvertake(seenAt)) this.#recordBeside(this.#giveBackQueue(OVERTAKES));
    else this.#watchExpiry();
  }

  /** What was given back is due first, and a look that began before that has not seen it. */
  #mayOvertake(seenAt: Date): boolean {
    return this.#returning > 0 || (this.#returnedAt !== undefined && seenAt <= this.#returnedAt);
  }

  /**
   * Resolves when everything given is sent or given back, and recorded.
   *
   * @throws an unexpected error that ended the sending
   */
  async finished(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    if (this.#defect) throw this.#defect.error;
  }

  /** How many messages can soon start, with what is queued; none while one takes long. */
  #target(): number {
    const { clock, config, lifetimes } = this.#pass;
    const { aheadMs, guessMs } = lifetimes;
    const since = this.#deliveringSince;
    if (since && -clock.until(since) > aheadMs) return 0;
    const withinMs = Math.min(
      aheadMs,
      clock.until(this.lease.coversUntil),
      clock.until(lastStart(this.#pass)),
    );
    const waitMs = clock.until(this.readyAt);
    return startableSoon(config, { waitMs, withinMs, msPerMessage: this.#msPerMessage ?? guessMs });
  }

  /** More may be given at any time, also while the last outcomes are recorded, and after the session was stopped. */
  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#sendQueue().catch((error: unknown) => {
        this.#defect ??= { error };
        this.#stop({ code: "internal_error" });
      });
      if (this.stopped) await this.#giveBackQueue(this.stopped);
      // One record may lead to another.
      while (this.#recording.size > 0) await Promise.all(this.#recording);
    }
    clearTimeout(this.#expiry);
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
      if (!next) return;
      const reason = this.#whyNot(next) ?? (await this.#deliver(next));
      if (reason?.code === "claim_ran_out") await this.#giveBackQueue(reason);
      else if (reason && this.#isLateAlone(reason)) await this.#leave(next, reason);
      else if (reason) this.#stop(reason);
    }
  }

  /** Delivers a message; if it could not start, it is queued again, and why is returned. */
  async #deliver(message: ClaimedMessage): Promise<Reason | undefined> {
    const { clock } = this.#pass;
    this.#queue.splice(this.#queue.indexOf(message), 1);
    const began = clock.now();
    const ready = this.readyAt;
    this.#deliveringSince = began;
    // While it is under way the next one is taken to start a pause from now.
    this.readyAt = this.#afterPause(began);
    const { claimOver, notAgain, notStarted, open, posted, stop } = await deliver(
      this.#pass,
      this.#context,
      message,
    );
    this.#deliveringSince = undefined;
    if (notStarted) this.#queue.unshift(message);
    else this.#measure(-clock.until(began));
    if (posted) this.lease.lastSentAt = clock.now();
    this.readyAt = posted ? this.#afterPause(this.lease.lastSentAt) : ready;
    if (open) this.lease.runsOut = true;
    if (notAgain) this.#events.notAgain(message);
    if (stop) this.#stop(stop);
    if (claimOver) await this.#giveBackQueue({ code: "claim_ran_out" });
    if (stop || this.isLow) this.#events.changed();
    return notStarted;
  }

  /** Why no attempt of a message may start now; undefined if one may. */
  #whyNot(message: ClaimedMessage): Reason | undefined {
    if (this.stopped) return this.stopped;
    const { db, lifetimes } = this.#pass;
    const needsMs = hasMedia(message, db.documents.messages) ? lifetimes.mediaMs : lifetimes.attemptMs;
    if (!maySend(this.#pass, needsMs)) return { code: "out_of_time" };
    if (this.lease.isOver) return { code: "claim_ran_out", detail: "its session's lease was lost" };
    return this.#pass.clock.until(endOf(message)) > 0 ? undefined : { code: "claim_ran_out" };
  }

  /** A file that needs more time than is left keeps back no text that needs less. */
  #isLateAlone({ code }: Reason): boolean {
    return code === "out_of_time" && !this.stopped && maySend(this.#pass);
  }

  /** When the pause after a message is over, its random part drawn anew. */
  #afterPause(sentAt: Date | undefined): Date {
    const { clock, config } = this.#pass;
    const now = clock.now();
    if (!sentAt) return now;
    // A time that has not come yet is another clock's.
    const last = sentAt < now ? sentAt : now;
    return addSeconds(last, (config.SEND_GAP_MS + Math.random() * config.SEND_GAP_JITTER_MS) / 1000);
  }

  #stop(reason: Reason): void {
    this.stopped ??= reason;
  }

  /** Claims end also while a message is being delivered: no other pass has to give them back. */
  #watchExpiry(): void {
    clearTimeout(this.#expiry);
    if (this.#queue.length === 0) return;
    const { clock } = this.#pass;
    const leftMs = clock.until(earliest(...this.#queue.map(endOf)));
    if (leftMs <= 0) this.#recordBeside(this.#giveBackQueue({ code: "claim_ran_out" }));
    else this.#expiry = setTimeout(() => this.#watchExpiry(), leftMs);
  }

  /** All of it goes back together, so that nothing overtakes what was due before it; the next look finds it first. */
  async #giveBackQueue(reason: Reason): Promise<void> {
    const ids = this.#queue.splice(0).map((message) => message._id);
    this.#returning += 1;
    // One whose return is being recorded is due before them.
    await Promise.all(this.#recording);
    await this.#claims.giveBack({ sessions: [this.session.name], ids, reason });
    this.#returning -= 1;
    this.#returnedAt = this.#pass.clock.now();
  }

  /** One that can't start in this pass any more goes back alone. */
  async #leave(message: ClaimedMessage, reason: Reason): Promise<void> {
    this.#queue.splice(this.#queue.indexOf(message), 1);
    this.#events.notAgain(message);
    await this.#claims.giveBack({ sessions: [this.session.name], ids: [message._id], reason });
  }

  /** The session is finished only when every outcome is recorded, or was given up on. */
  #recordBeside(recorded: Promise<unknown>): void {
    const { log } = this.#pass;
    const record: Promise<unknown> = recorded
      .catch((error: unknown) => log.warn({ error: describeError(error) }, "an outcome was not recorded"))
      .then(() => this.#recording.delete(record));
    this.#recording.add(record);
  }

  #measure(ms: number): void {
    this.#msPerMessage = this.#msPerMessage === undefined ? ms : this.#msPerMessage * 0.8 + ms * 0.2;
  }
}

const endOf = ({ delivery }: ClaimedMessage): Date => delivery.claimExpiresAt;
