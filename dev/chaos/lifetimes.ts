/** How long what a pass holds lasts, in milliseconds: what docs/protocol.md says, written down a second time. */
export interface Lifetimes {
  lease: number;
  /** From one renewal of a lease to the next. */
  renewal: number;
  claim: number;
  /** How much time for requests must be left when an attempt starts. */
  attempt: number;
  /** The same for one with a file. */
  attemptWithFile: number;
  /** A session whose lease has ended is served by a pass that comes this much later, or sooner. */
  takeOver: number;
}

/** In passes that are shorter than this all of it is shorter in proportion. */
const WHOLE_PASS_SECONDS = 60;

export function lifetimesOf(passSeconds: number): Lifetimes {
  const part = Math.min(1, passSeconds / WHOLE_PASS_SECONDS);
  return {
    lease: 20_000 * part,
    renewal: 5_000 * part,
    claim: 15_000 * part,
    attempt: 8_000 * part,
    attemptWithFile: 30_000 * part,
    takeOver: 5_000 * part,
  };
}
