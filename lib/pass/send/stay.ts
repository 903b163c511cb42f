import { addSeconds, pauseFor } from "../../clock.ts";
import { describeError } from "../../log.ts";
import { findNextDue } from "../../messages/due.ts";
import type { WahaSnapshot } from "../../waha/snapshot.ts";
import { maySend, type Pass } from "../pass.ts";
import type { Board } from "./board.ts";
import type { SessionBacklog } from "./plan.ts";
import { Turns, turnOf, turnSeconds } from "./turns.ts";

/** Newly written messages are looked for so often, also if none that is known falls due. */
const LOOK_EVERY_MS = 2_500;

/** Two looks are never closer: a look serves all that falls due meanwhile. */
const LOOK_GAP_MS = 100;

/**
 * After the time of so many turns, at most a minute, sessions in trouble are tried again: a pass that stays is to be
 * no worse than one a minute.
 */
const TURNS_OF_TROUBLE = 3;

/** So often WAHA is asked again which sessions work, and claims that expired are given back. */
const CHORES_EVERY_MS = 15_000;

/** What a pass does again and again while it stays. */
export interface Chores {
  /** Looks around WAHA again; undefined if it does not answer. */
  takeSnapshot(): Promise<WahaSnapshot | undefined>;
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
export async function stay(pass: Pass, board: Board, first: SessionBacklog[], chores: Chores): Promise<void> {
  const { clock, db } = pass;
  const until = stayUntil(pass);
  const turns = new Turns(board);
  const watch = keepWatch(pass, board, chores);
  const startAfresh = every(pass, turnSeconds(pass) * TURNS_OF_TROUBLE * 1000, () => board.startAfresh());
  const staysOn = () => maySend(pass) && clock.until(until) > 0 && !turns.defect && !board.isHopeless;
  let from = clock.startedAt;
  turns.begin(turnOf(pass, 0), first);
  try {
    for (let number = 1; staysOn(); number += 1) {
      const next = await turns.overcome(() => findNextDue(db, from));
      await pause(pass, board, Math.min(next ? clock.until(next) : LOOK_EVERY_MS, clock.until(until)));
      if (!staysOn()) break;
      watch();
      startAfresh();
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
  takeSnapshot: Chores["takeSnapshot"],
): Promise<WahaSnapshot | undefined> {
  const until = stayUntil(pass);
  for (;;) {
    await pauseFor(Math.min(LOOK_EVERY_MS, pass.clock.until(until)), pass.stop);
    if (!maySend(pass) || pass.clock.until(until) <= 0) return undefined;
    const around = await takeSnapshot();
    if (around) return around;
  }
}

function stayUntil({ clock, config }: Pass): Date {
  return addSeconds(clock.startedAt, config.STAY_SECONDS);
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
function keepWatch(pass: Pass, board: Board, chores: Chores): () => void {
  const { id: passId, log } = pass;
  const noteFailure = (error: unknown) =>
    log.warn(
      { passId, error: describeError(error) },
      "what a staying pass does now and then could not be done",
    );
  return every(pass, CHORES_EVERY_MS, () => {
    void chores.rescue().catch(noteFailure);
    void chores
      .takeSnapshot()
      .then((around) => {
        if (around) board.around = { ...around, server: around.server ?? board.around.server };
      })
      .catch(noteFailure);
  });
}

/** Asked at any time, does `work` if it was not done for so long, the beginning of the pass counted as once. */
function every({ clock }: Pass, ms: number, work: () => void): () => void {
  let next = addSeconds(clock.startedAt, ms / 1000);
  return () => {
    if (clock.until(next) > 0) return;
    next = addSeconds(clock.now(), ms / 1000);
    work();
  };
}
