import type { Span } from "./check/spans.ts";

const LOOK_MS = 20;

/** What the machine may take from this process without a word. */
const STALL_MS = 100;

/**
 * Notes when this process stood still, since the machine or a check of another round kept it: the proxies in it
 * passed nothing on then, so that what processes did came late to the database and to WAHA, and was seen late.
 */
export class Stalls {
  readonly spans: Span[] = [];
  #seenAt = Date.now();
  readonly #timer = setInterval(() => this.#look(), LOOK_MS);

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = Date.now();
    if (now - this.#seenAt > STALL_MS) this.spans.push([this.#seenAt, now]);
    this.#seenAt = now;
  }
}
