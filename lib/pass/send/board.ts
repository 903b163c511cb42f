import type { WahaSnapshot } from "../../waha/snapshot.ts";
import { Lookout } from "./backlog.ts";

/** After so many sessions in trouble it is not the sessions: the pass claims no more. */
const TROUBLED_SESSIONS = 3;

/** What is known to all turns of one pass: of WAHA, of sessions, and of messages. */
export class Board {
  /** WAHA as it was last seen. */
  around: WahaSnapshot;
  /** Notes each thing that can't be sent once, until it starts afresh. */
  readonly lookout = new Lookout();
  /** Sessions of which some turn holds the lease. */
  readonly leased = new Set<string>();
  /** Those on which something is being sent. Each holds a place. */
  readonly active = new Set<string>();
  /** Sessions in trouble: nothing more is sent on them in this pass, or, where it stays, for a while. */
  readonly troubled = new Set<string>();
  /** Messages, by `dueKey`, that were to be claimed and could not be: somebody was faster, or they are odd. */
  readonly passedOver = new Set<string>();
  /** Leases were given back since somebody looked last. */
  freed = false;
  /** Called when leases are given back. */
  onFreed = () => {};

  /** The pass stays: leases and places are held no longer than there is something to send. */
  readonly stays: boolean;

  constructor(around: WahaSnapshot, stays: boolean) {
    this.around = around;
    this.stays = stays;
  }

  /**
   * Forgets what it holds against sessions and messages, and what it noted on these, as a new pass would: a message
   * that the database turns away is tried, and told, once more.
   */
  startAfresh(): void {
    this.troubled.clear();
    this.passedOver.clear();
    this.lookout.startAfresh();
  }

  get isHopeless(): boolean {
    return this.troubled.size >= TROUBLED_SESSIONS;
  }
}
