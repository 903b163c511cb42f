import { endsWithin } from "../../async.ts";
import { addSeconds, earliest } from "../../clock.ts";
import { UnavailableError } from "../../errors.ts";
import { describeError } from "../../log.ts";
import { asUnavailable } from "../../mongo/errors.ts";
import { asReason } from "../../problems.ts";
import type { WahaSnapshot } from "../../waha/snapshot.ts";
import { maySend, type Pass, stayUntil } from "../pass.ts";
import { noteOutage } from "./backlog.ts";
import { type Look, Looks, NOTHING_SEEN } from "./look.ts";
import { WahaWatch } from "./watch.ts";
import { Workers } from "./workers.ts";

/** The shortest wait for a look that only time brings about: what falls due meanwhile shares it. */
const LOOK_GAP_MS = 100;

/**
 * Sends what is due, and what falls due until `STAY_SECONDS` after the beginning: look, hand over, and wait for what
 * may bring more. When it returns, or throws, nothing of its own is under way.
 *
 * @param first WAHA as the pass saw it when it began
 * @param rescued resolves when expired claims were given back, to how many
 * @returns WAHA as it was seen last
 * @throws UnavailableError where a service was away: at once, or at the end of a pass that stays
 */
export async function sendLoop(
  pass: Pass,
  first: WahaSnapshot | UnavailableError,
  rescued: Promise<number | undefined>,
): Promise<WahaWatch> {
  const watch = new WahaWatch(pass, first);
  if (first instanceof UnavailableError) {
    await rescued;
    await noteOutage(pass, asReason(first));
  }
  if (!watch.snapshot && pass.config.STAY_SECONDS === 0) return watch;
  const loop = new SendLoop(pass, watch, rescued);
  try {
    await loop.run();
  } finally {
    await loop.finish();
  }
  return watch;
}

class SendLoop {
  readonly #pass: Pass;
  readonly #watch: WahaWatch;
  readonly #workers: Workers;
  readonly #looks: Looks;
  #afreshAt: Date;
  /** The last look left something, be it another pass's to send. */
  #leftSome = false;
  /** Why a service was away for a moment in a pass that stays. */
  #away: UnavailableError | undefined;
  /** Counts changes: a worker ran low, stopped or finished, or a lease was lost. */
  #changes = 0;
  #wake = () => {};

  constructor(pass: Pass, watch: WahaWatch, rescued: Promise<number | undefined>) {
    this.#pass = pass;
    this.#watch = watch;
    this.#workers = new Workers(pass, () => {
      this.#changes += 1;
      this.#wake();
    });
    this.#looks = new Looks(pass, this.#workers, rescued);
    this.#afreshAt = addSeconds(pass.clock.startedAt, pass.lifetimes.afreshMs / 1000);
  }

  async run(): Promise<void> {
    while (this.#mayLook) {
      const changes = this.#changes;
      const look = (await this.#unlessAway(() => this.#look())) ?? NOTHING_SEEN;
      const next = this.#nextLook(look);
      if (look.tried === 0 && this.#workers.active.length === 0 && !next) return;
      await this.#untilWorthLooking(look, next, changes);
    }
  }

  async finish(): Promise<void> {
    try {
      await this.#workers.finished();
      await this.#workers.claims.retry();
    } finally {
      await this.#workers.close();
    }
    this.#pass.stats.more = await this.#hasMore();
    await this.#noteStopped();
    if (this.#away) throw this.#away;
  }

  /** Where too many sessions are in trouble only a pass that stays goes on: it tries everything afresh later. */
  get #mayLook(): boolean {
    return maySend(this.#pass) && (this.#stays || !this.#workers.isCircuitOpen);
  }

  get #stays(): boolean {
    return this.#pass.clock.until(stayUntil(this.#pass)) > 0;
  }

  /** A pass that stays is not ended by a service that is away for a moment: it looks again, and tells at its end. */
  async #unlessAway<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const reason = asUnavailable(error);
      if (!(reason instanceof UnavailableError) || !this.#stays) throw error;
      this.#away ??= reason;
      return undefined;
    }
  }

  async #look(): Promise<Look> {
    const stays = this.#stays;
    if (!this.#watch.snapshot) await this.#watch.refresh();
    else if (stays) this.#keepUp();
    const { snapshot } = this.#watch;
    if (!snapshot || this.#workers.isCircuitOpen) return NOTHING_SEEN;
    const look = await this.#looks.look(snapshot, { stays });
    this.#leftSome = look.left.length > 0;
    return look;
  }

  /** Sees, beside the sending, which of WAHA's sessions work; and tries everything afresh now and then. */
  #keepUp(): void {
    const { clock, lifetimes, log } = this.#pass;
    this.#watch
      .refresh()
      .catch((error: unknown) => log.warn({ error: describeError(error) }, "WAHA was not looked at again"));
    if (clock.until(this.#afreshAt) > 0) return;
    this.#afreshAt = addSeconds(clock.now(), lifetimes.afreshMs / 1000);
    this.#workers.startAfresh();
    this.#looks.startAfresh();
  }

  /** When to look again, whatever the workers do; undefined if nothing is to come. */
  #nextLook({ left, nextAt }: Look): Date | undefined {
    const { clock, lifetimes } = this.#pass;
    const again = left.map((session) => this.#workers.openAgainAt(session));
    const stays = [addSeconds(clock.now(), lifetimes.lookMs / 1000), stayUntil(this.#pass)];
    const times = [...again, nextAt, ...(this.#stays ? stays : [])].filter((time) => time !== undefined);
    return times.length > 0 ? earliest(...times) : undefined;
  }

  /**
   * Waits until another look may bring something; leases that are not needed meanwhile are given up.
   *
   * @param seen how many changes there had been when the look began
   */
  async #untilWorthLooking(look: Look, next: Date | undefined, seen: number): Promise<void> {
    const { clock, log } = this.#pass;
    const soonest = addSeconds(clock.now(), LOOK_GAP_MS / 1000);
    const timed = next && next < soonest ? soonest : next;
    for (;;) {
      // What could not be claimed just now can't be before something changes.
      const hasChanged = look.tried > 0 || this.#changes > seen;
      if (hasChanged && this.#mayClaimMore(look)) return;
      if (!this.#mayLook || (timed && clock.until(timed) <= 0)) return;
      const change = this.#nextChange(timed);
      // A look that failed does not say who has nothing left.
      if (look !== NOTHING_SEEN)
        await this.#workers
          .dismissIdle((session) => look.left.includes(session))
          .catch((error: unknown) => log.warn({ error: describeError(error) }, "leases were not given back"));
      await change;
    }
  }

  /** Some session has room and there was more of it, or a place is free and others wait; or all is sent. */
  #mayClaimMore({ leftOpen }: Look): boolean {
    const { active } = this.#workers;
    const left = leftOpen.filter((session) => this.#workers.isOpen(session));
    const waiting = left.filter((session) => {
      const { active, target } = this.#workers.statusOf(session);
      return !active && target > 0;
    });
    if (waiting.length > 0) return active.length < this.#pass.config.SESSION_CONCURRENCY;
    if (active.length === 0) return !this.#stays;
    // While sessions wait for a place, those that have one are given nothing more.
    return active.some(({ isLow, session }) => isLow && left.includes(session.name));
  }

  /** Waits until some session could do with more or has nothing left, or until a moment. */
  async #nextChange(until: Date | undefined): Promise<void> {
    const { clock, stepsUntil, stop } = this.#pass;
    // Not by a signal: aborting one makes an error each time, and workers wake the loop with every other message.
    const { promise: woken, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#wake = wake;
    const timer = setTimeout(wake, Math.max(0, clock.until(until ?? stepsUntil)));
    stop.addEventListener("abort", wake);
    if (stop.aborted) wake();
    await woken;
    clearTimeout(timer);
    stop.removeEventListener("abort", wake);
  }

  /** With too many sessions in trouble there is no last look that would say why they were stopped. */
  async #noteStopped(): Promise<void> {
    const { snapshot } = this.#watch;
    if (!snapshot || !this.#workers.isCircuitOpen || !maySend(this.#pass)) return;
    const { lifetimes, log } = this.#pass;
    const noted = this.#looks
      .noteStopped(snapshot)
      .catch((error: unknown) => log.warn({ error: describeError(error) }, "reasons were not written down"));
    await endsWithin(noted, lifetimes.attemptMs);
  }

  /** Whether something is left for the next pass. What was left in a pass that stays may have been sent since. */
  async #hasMore(): Promise<boolean> {
    const { snapshot } = this.#watch;
    const more = this.#leftSome || this.#workers.leftSome;
    if (!more || this.#pass.config.STAY_SECONDS === 0 || !snapshot) return more;
    return (await this.#unlessAway(() => this.#looks.isSomethingLeft(snapshot))) ?? true;
  }
}
