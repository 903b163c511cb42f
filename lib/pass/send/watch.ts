import { addSeconds } from "../../clock.ts";
import { UnavailableError } from "../../errors.ts";
import { takeSnapshot, type WahaSnapshot } from "../../waha/snapshot.ts";
import type { Pass } from "../pass.ts";

/** WAHA as a pass saw it last. A pass that stays looks again now and then; what WAHA does not tell again still stands. */
export class WahaWatch {
  readonly #pass: Pass;
  #snapshot: WahaSnapshot | undefined;
  #seenAt: Date;
  #nextAt: Date;

  /** @param first what the pass saw when it began */
  constructor(pass: Pass, first: WahaSnapshot | UnavailableError) {
    this.#pass = pass;
    this.#snapshot = first instanceof UnavailableError ? undefined : first;
    this.#seenAt = pass.clock.startedAt;
    this.#nextAt = this.#next();
  }

  /** What was seen last; undefined if WAHA has never listed its sessions. */
  get snapshot(): WahaSnapshot | undefined {
    return this.#snapshot;
  }

  /** When that was, by the database's time. */
  get seenAt(): Date {
    return this.#seenAt;
  }

  /** Looks again, if it is time to. */
  async refresh(): Promise<void> {
    const { clock, config, waha } = this.#pass;
    if (this.#snapshot && clock.until(this.#nextAt) > 0) return;
    this.#nextAt = this.#next();
    const seenAt = clock.now();
    const seen = await takeSnapshot(waha, config);
    if (seen instanceof UnavailableError) return;
    this.#snapshot = { ...seen, server: seen.server ?? this.#snapshot?.server };
    this.#seenAt = seenAt;
  }

  #next(): Date {
    const { clock, lifetimes } = this.#pass;
    return addSeconds(clock.now(), lifetimes.snapshotMs / 1000);
  }
}
