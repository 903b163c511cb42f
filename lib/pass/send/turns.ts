import { UnavailableError } from "../../errors.ts";
import { asUnavailable } from "../../mongo/errors.ts";
import { type Pass, passEnds } from "../pass.ts";
import type { Board } from "./board.ts";
import { sendDue } from "./loop.ts";
import type { SessionBacklog } from "./plan.ts";

/** A turn's time to send. Short, so that what a pass leaves that dies can be rescued and sent in time. */
const MOST_TURN_SECONDS = 20;
const TURNS_A_PASS = 4;

/** The turns of a pass that are under way, and what went wrong with any. */
export class Turns {
  /** Nobody foresaw it: the pass does not go on. */
  defect: { error: unknown } | undefined;
  /** A service was away for a moment: that is told at the end, and the pass goes on. */
  #away: UnavailableError | undefined;
  readonly #board: Board;
  readonly #underWay = new Set<Promise<void>>();

  constructor(board: Board) {
    this.#board = board;
  }

  /** Sends what a look found. */
  begin(turn: Pass, offers: SessionBacklog[]): void {
    const done = sendDue(turn, this.#board, offers)
      .catch((error: unknown) => this.#note(error))
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  /** Does what a turn begins with; undefined where a service is away. */
  async overcome<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#note(error);
      return undefined;
    }
  }

  /** Resolves when all have ended; rejects with what the first one failed by. */
  async finished(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.defect) throw this.defect.error;
    if (this.#away) throw this.#away;
  }

  #note(error: unknown): void {
    const reason = asUnavailable(error);
    if (reason instanceof UnavailableError) this.#away ??= reason;
    else this.defect ??= { error };
  }
}

/** A turn of a pass: to the database a pass that begins now, and that ends soon. */
export function turnOf(pass: Pass, number: number): Pass {
  const { clock, config } = pass;
  const startedAt = clock.now();
  const PASS_SECONDS = turnSeconds(pass) + config.TAIL_SECONDS;
  const ends = passEnds(startedAt, { ...config, PASS_SECONDS });
  const sooner = (one: Date, other: Date) => (one < other ? one : other);
  return {
    ...pass,
    id: `${pass.id}.${number}`,
    clock: { ...clock, startedAt },
    sendUntil: sooner(ends.sendUntil, pass.sendUntil),
    handsOn: ends.sendUntil < pass.sendUntil,
    requestsUntil: sooner(ends.requestsUntil, pass.requestsUntil),
    stepsUntil: sooner(ends.stepsUntil, pass.stepsUntil),
  };
}

/** How long a turn of a pass may send. */
export function turnSeconds({ config }: Pass): number {
  return Math.min(MOST_TURN_SECONDS, config.PASS_SECONDS / TURNS_A_PASS);
}
