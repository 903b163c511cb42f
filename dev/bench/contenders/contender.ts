import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { nextMessage, startChild } from "../../host/process.ts";
import type { Text } from "../work.ts";
import type { Order, Report } from "./serve.ts";

/** Longer than any order takes: a contender that does not answer by then is stuck. */
const ORDER_LIMIT_MS = 300_000;

/** One contender in a process of its own, so that what it takes is its own. It gets one order at a time. */
export class Contender {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;

  /**
   * @param program the file to run
   * @param env its settings
   */
  constructor(name: string, program: string, env: NodeJS.ProcessEnv, args: string[] = []) {
    this.name = name;
    this.#child = startChild(program, env, args);
    this.#gone = once(this.#child, "exit");
  }

  /** Gets it ready to send these texts, which are in its database as well. */
  async prepare(texts: Text[]): Promise<void> {
    await this.#order({ op: "prepare", texts });
  }

  /**
   * Lets it send.
   *
   * @param once a contender that works in passes makes one only
   * @throws Error in the contender's words, or if its process ends
   */
  async run({ once = false } = {}): Promise<Report> {
    return this.#order({ op: "run", once });
  }

  /** Ends it, whatever it does. */
  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#gone;
  }

  async #order(order: Order): Promise<Report> {
    this.#child.send(order);
    const report = await nextMessage<Report>(this.#child, ORDER_LIMIT_MS).catch((reason: Error) => {
      throw new Error(`${this.name}: ${reason.message}`, { cause: reason });
    });
    if (report.error !== undefined) throw new Error(`${this.name}: ${report.error}`);
    return report;
  }
}
