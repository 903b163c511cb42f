import { setTimeout as sleep } from "node:timers/promises";
import { addSeconds, type Clock } from "../clock.ts";
import { findNextDue } from "../messages/due.ts";
import type { Board } from "./board.ts";
import { maySend, type Pass, passEnds, type Surroundings } from "./context.ts";
import { sendDue } from "./dispatch.ts";
import type { Offer } from "./plan.ts";

/** A turn's time to send. Short, so that what a pass leaves that dies can be rescued and sent in time. */
const TURN_SECONDS = 20;

/** Newly written messages are looked for so often, also if none that is known falls due. */
const LOOK_EVERY_MS = 2_500;

/** Two looks are never closer: a look serves all that falls due meanwhile. */
const LOOK_GAP_MS = 100;

/** So often WAHA is asked again which sessions work. */
const AROUND_EVERY_MS = 15_000;

/**
 * Sends what is due, and stays to send what falls due until `STAY_SECONDS` after the beginning: in turns, each of
 * which is to the database a pass of its own, with an id, claims and leases of its own. A turn that waits for one
 * session's answer does not hold up the next, which serves the others.
 *
 * @param first what the first look has found
 * @param lookAround looks around WAHA again; undefined if it does not answer
 */
export async function stay(
  pass: Pass,
  board: Board,
  first: Offer[],
  lookAround: () => Promise<Surroundings | undefined>,
): Promise<void> {
  const { clock, config, db } = pass;
  const until = addSeconds(clock.startedAt, config.STAY_SECONDS);
  const turns = new Turns(board);
  const watch = keepWatch(board, clock, lookAround);
  const staysOn = () => maySend(pass) && clock.until(until) > 0 && !turns.failed && !board.isHopeless;
  let from = clock.startedAt;
  turns.begin(turnOf(pass, 0), first);
  try {
    for (let number = 1; staysOn(); number += 1) {
      const next = await findNextDue(db, from);
      await pause(pass, board, Math.min(next ? clock.until(next) : LOOK_EVERY_MS, clock.until(until)));
      if (!staysOn()) break;
      watch();
      board.freed = false;
      // Whether anything is left for the next pass only the last look can say, and what comes after it.
      pass.tally.more = false;
      from = clock.now();
      const turn = turnOf(pass, number);
      turns.begin(turn, await board.lookout.findOffers(turn, board.around));
    }
  } finally {
    await turns.finished();
  }
  // What one turn left another may have sent since.
  const last = turnOf(pass, 0);
  if (pass.tally.more) pass.tally.more = (await board.lookout.findOffers(last, board.around)).length > 0;
}

/** The turns of a pass that are under way. */
class Turns {
  failed: { error: unknown } | undefined;
  readonly #board: Board;
  readonly #underWay = new Set<Promise<void>>();

  constructor(board: Board) {
    this.#board = board;
  }

  /** Sends what a look found. */
  begin(turn: Pass, offers: Offer[]): void {
    const done = sendDue(turn, this.#board, offers)
      .catch((error: unknown) => {
        this.failed ??= { error };
      })
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  /** Resolves when all have ended; rejects with what the first one failed by. */
  async finished(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.failed) throw this.failed.error;
  }
}

/** A turn of a pass: to the database a pass that begins now, and that ends soon. */
function turnOf(pass: Pass, number: number): Pass {
  const { clock, config } = pass;
  const startedAt = clock.now();
  const ends = passEnds(startedAt, { ...config, PASS_SECONDS: TURN_SECONDS + config.TAIL_SECONDS });
  const sooner = (one: Date, other: Date) => (one < other ? one : other);
  return {
    ...pass,
    id: `${pass.id}.${number}`,
    clock: { ...clock, startedAt },
    sendUntil: sooner(ends.sendUntil, pass.sendUntil),
    requestsUntil: sooner(ends.requestsUntil, pass.requestsUntil),
  };
}

/** Waits for so long, or until it is worth looking earlier: something is left on a session that is free again. */
async function pause({ stop, tally }: Pass, board: Board, ms: number): Promise<void> {
  const early = new AbortController();
  board.onFreed = () => {
    if (tally.more) early.abort();
  };
  const wait = board.freed && tally.more ? LOOK_GAP_MS : Math.min(ms, LOOK_EVERY_MS);
  const signal = AbortSignal.any([stop, early.signal]);
  await sleep(Math.max(wait, LOOK_GAP_MS), undefined, { signal }).catch(() => {});
}

/** Looks around WAHA now and then, beside the sending; where it does not answer, what was seen last stands. */
function keepWatch(
  board: Board,
  clock: Clock,
  lookAround: () => Promise<Surroundings | undefined>,
): () => void {
  let next = addSeconds(clock.startedAt, AROUND_EVERY_MS / 1000);
  return () => {
    if (clock.until(next) > 0) return;
    next = addSeconds(clock.now(), AROUND_EVERY_MS / 1000);
    void lookAround().then((around) => {
      board.around = around ?? board.around;
    });
  };
}
