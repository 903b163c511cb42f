import { setTimeout as sleep } from "node:timers/promises";
import type { DatabaseRequest, Interceptor } from "../../chaos/database/intercept.ts";

/** From when to when a request was under way, in milliseconds of one clock. */
export interface Span {
  from: number;
  to: number;
}

/**
 * Lets every request pass, late enough that those made side by side are under way side by side, and remembers when
 * each was.
 */
export class Rounds implements Interceptor {
  readonly #delayMs: number;
  readonly #begun = new Map<DatabaseRequest, number>();
  readonly #spans: Span[] = [];

  /** @param delayMs longer than a function computes between two requests that do not wait for each other */
  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  async onRequest(request: DatabaseRequest): Promise<"forward"> {
    this.#begun.set(request, performance.now());
    await sleep(this.#delayMs);
    return "forward";
  }

  onReply(request: DatabaseRequest): "deliver" {
    this.#spans.push({ from: this.#begun.get(request) ?? 0, to: performance.now() });
    return "deliver";
  }

  /** The requests since the last call that were answered. */
  take(): Span[] {
    this.#begun.clear();
    return this.#spans.splice(0);
  }
}

/** The most requests of which each began when the one before was answered: the time that it takes in round trips. */
export function countRounds(spans: Span[]): number {
  let rounds = 0;
  let answered = Number.NEGATIVE_INFINITY;
  for (const { from, to } of spans.toSorted((a, b) => a.to - b.to)) {
    if (from < answered) continue;
    rounds += 1;
    answered = to;
  }
  return rounds;
}
