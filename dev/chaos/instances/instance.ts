import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { startChild } from "../../host/process.ts";

/** A call of the function; `skewMs` is how far its machine's clock is ahead. */
export interface CallOrder {
  call: number;
  skewMs: number;
}

export interface CallAnswer {
  call: number;
  status: number;
  body: string;
  /** The most memory that the process has held since it began, in bytes. */
  peakMemory: number;
}

/** A process that runs passes, and can be killed or frozen at any moment. */
export class Instance {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #ready: Promise<unknown>;
  readonly #gone: Promise<unknown>;
  readonly #waiting = new Map<number, (answer: CallAnswer | undefined) => void>();
  #calls = 0;
  #alive = true;
  #frozen = false;
  #endedByItself: string | undefined;

  /**
   * @param program the file to run: see `buildProgram`
   * @param env its settings, and nothing else of this process's environment but the way to Node's programs
   */
  constructor(name: string, program: string, env: NodeJS.ProcessEnv) {
    this.name = name;
    this.#child = startChild(program, { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...env });
    this.#ready = once(this.#child, "message");
    this.#gone = once(this.#child, "exit").then(([code, signal]) => {
      // Who kills it says so first.
      if (this.#alive) this.#endedByItself = `${name} ended by itself (${signal ?? code})`;
      this.#onExit();
    });
    this.#child.on("error", () => {});
    this.#child.on("message", (answer: CallAnswer | "ready") => {
      if (answer !== "ready") this.#answer(answer);
    });
  }

  /** It was not killed, nor did it end by itself. */
  get alive(): boolean {
    return this.#alive;
  }

  /** That it ended without being killed, in words; undefined if it did not. */
  get endedByItself(): string | undefined {
    return this.#endedByItself;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** How many calls it has not answered yet. */
  get busy(): number {
    return this.#waiting.size;
  }

  /** Runs one pass; undefined if the process did not live to answer. */
  async call(skewMs: number): Promise<CallAnswer | undefined> {
    this.#calls += 1;
    const order: CallOrder = { call: this.#calls, skewMs };
    const answered = new Promise<CallAnswer | undefined>((resolve) => this.#waiting.set(order.call, resolve));
    await Promise.race([this.#ready, this.#gone]);
    if (!this.alive) this.#onExit();
    else
      this.#child.send(order, (error) =>
        error ? this.#answer({ ...order, status: 0, body: "", peakMemory: 0 }) : undefined,
      );
    return answered;
  }

  kill(): void {
    this.#alive = false;
    this.#child.kill("SIGKILL");
  }

  freeze(): void {
    this.#frozen = true;
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#frozen = false;
    this.#child.kill("SIGCONT");
  }

  /** Ends it, whatever it does, and waits until it is gone. */
  async end(): Promise<void> {
    this.kill();
    await this.#gone;
  }

  #answer(answer: CallAnswer): void {
    this.#waiting.get(answer.call)?.(answer.status === 0 ? undefined : answer);
    this.#waiting.delete(answer.call);
  }

  #onExit(): void {
    this.#alive = false;
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }
}
