import { addSeconds, pauseFor } from "../clock.ts";
import { asUnavailable } from "../db.ts";
import { UnavailableError } from "../errors.ts";
import { describeError } from "../log.ts";
import { findNextDue } from "../messages/due.ts";
import type { Board } from "./board.ts";
import { maySend, type Pass, passEnds, type Surroundings } from "./context.ts";
import { sendDue } from "./dispatch.ts";
import type { Offer } from "./plan.ts";

/** A turn's time to send. Short, so that what a pass leaves that dies can be rescued and sent in time. */
const MOST_TURN_SECONDS = 20;
const TURNS_A_PASS = 4;

/** Newly written messages are looked for so often, also if none that is known falls due. */
const LOOK_EVERY_MS = 2_500;

/** Two looks are never closer: a look serves all that falls due meanwhile. */
const LOOK_GAP_MS = 100;

/** So often WAHA is asked again which sessions work, and claims that expired are given back. */
const CHORES_EVERY_MS = 15_000;

/** What a pass does again and again while it stays. */
export interface Chores {
  /** Looks around WAHA again; undefined if it does not answer. */
  lookAround(): Promise<Surroundings | undefined>;
  /** Gives back what a pass that died had claimed. */
  rescue(): Promise<unknown>;
}

/**
 * Sends what is due, and stays to send what falls due until `STAY_SECONDS` after the beginning: in turns, each of
 * which is to the database a pass of its own, with an id, claims and leases of its own. A turn that waits for one
 * session's answer does not hold up the next, which serves the others.
 *
 * @param first what the first look has found
 * @throws UnavailableError at the end, if a service was away in between; whatever else went wrong at once
 */
export async function stay(pass: Pass, board: Board, first: Offer[], chores: Chores): Promise<void> {
  const { clock, db } = pass;
  const until = stayUntil(pass);
  const turns = new Turns(board);
  const watch = keepWatch(pass, board, chores);
  const staysOn = () => maySend(pass) && clock.until(until) > 0 && !turns.defect && !board.isHopeless;
  let from = clock.startedAt;
  turns.begin(turnOf(pass, 0), first);
  try {
    for (let number = 1; staysOn(); number += 1) {
      const next = await turns.overcome(() => findNextDue(db, from));
      await pause(pass, board, Math.min(next ? clock.until(next) : LOOK_EVERY_MS, clock.until(until)));
      if (!staysOn()) break;
      watch();
      board.freed = false;
      // Whether anything is left for the next pass only the last look can say, and what comes after it.
      pass.tally.more = false;
      from = clock.now();
      const turn = turnOf(pass, number);
      const offers = await turns.overcome(() => board.lookout.findOffers(turn, board.around));
      if (offers) turns.begin(turn, offers);
    }
  } finally {
    await turns.finished();
  }
  // What one turn left another may have sent since.
  const last = turnOf(pass, 0);
  if (pass.tally.more) pass.tally.more = (await board.lookout.findOffers(last, board.around)).length > 0;
}

/** Looks around WAHA until it answers, as long as the pass stays; undefined if it never did. */
export async function awaitWaha(
  pass: Pass,
  lookAround: Chores["lookAround"],
): Promise<Surroundings | undefined> {
  const until = stayUntil(pass);
  for (;;) {
    await pauseFor(Math.min(LOOK_EVERY_MS, pass.clock.until(until)), pass.stop);
    if (!maySend(pass) || pass.clock.until(until) <= 0) return undefined;
    const around = await lookAround();
    if (around) return around;
  }
}

function stayUntil({ clock, config }: Pass): Date {
  return addSeconds(clock.startedAt, config.STAY_SECONDS);
}

/** The turns of a pass that are under way, and what went wrong with any. */
class Turns {
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
  begin(turn: Pass, offers: Offer[]): void {
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
function turnOf(pass: Pass, number: number): Pass {
  const { clock, config } = pass;
  const startedAt = clock.now();
  const seconds = Math.min(MOST_TURN_SECONDS, config.PASS_SECONDS / TURNS_A_PASS);
  const ends = passEnds(startedAt, { ...config, PASS_SECONDS: seconds + config.TAIL_SECONDS });
  const sooner = (one: Date, other: Date) => (one < other ? one : other);
  return {
    ...pass,
    id: `${pass.id}.${number}`,
    clock: { ...clock, startedAt },
    sendUntil: sooner(ends.sendUntil, pass.sendUntil),
    handsOn: ends.sendUntil < pass.sendUntil,
    requestsUntil: sooner(ends.requestsUntil, pass.requestsUntil),
  };
}

/** Waits for so long, or until it is worth looking earlier: something is left on a session that is free again. */
async function pause({ stop, tally }: Pass, board: Board, ms: number): Promise<void> {
  await pauseFor(LOOK_GAP_MS, stop);
  if (board.freed && tally.more) return;
  const early = new AbortController();
  board.onFreed = () => {
    if (tally.more) early.abort();
  };
  const signal = AbortSignal.any([stop, early.signal]);
  await pauseFor(Math.min(ms, LOOK_EVERY_MS) - LOOK_GAP_MS, signal);
}

/** Does the chores now and then, beside the sending; where WAHA does not answer, what was seen last stands. */
function keepWatch({ clock, id: passId, log }: Pass, board: Board, chores: Chores): () => void {
  let next = addSeconds(clock.startedAt, CHORES_EVERY_MS / 1000);
  const noteFailure = (error: unknown) =>
    log.warn(
      { passId, error: describeError(error) },
      "what a staying pass does now and then could not be done",
    );
  return () => {
    if (clock.until(next) > 0) return;
    next = addSeconds(clock.now(), CHORES_EVERY_MS / 1000);
    void chores.rescue().catch(noteFailure);
    void chores
      .lookAround()
      .then((around) => {
        if (around) board.around = { ...around, server: around.server ?? board.around.server };
      })
      .catch(noteFailure);
  };
}
