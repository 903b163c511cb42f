/** How much is measured, and how often. */
export interface Scale {
  /** Of the scenarios over several sessions, with a WAHA that takes its time, and with a single session. */
  messages: number;
  messagesAtEase: number;
  messagesOfOneSession: number;
  messagesWithHotOne: number;
  /** How often that which is held to a target is measured, and how often the rest. */
  repeats: number;
  others: number;
  /** How often the lateness beside a hot session, which takes its time to show. */
  hotRepeats: number;
  idlePasses: number;
  coldStarts: number;
  /** Of the large collection. */
  sent: number;
  future: number;
  /** Of one pass, for its memory. */
  inOnePass: number;
  /** For about how long one process sends where it is to show how much it can, in seconds. */
  capacitySeconds: number;
  /** Between two calls of the function that stays, in seconds, and how many calls. */
  callEvery: number;
  calls: number;
}

/** The figures of docs/performance-figures.md. */
export const FULL: Scale = {
  messages: 2_000,
  messagesAtEase: 1_000,
  messagesOfOneSession: 200,
  messagesWithHotOne: 1_000,
  repeats: 5,
  others: 2,
  hotRepeats: 5,
  idlePasses: 100,
  coldStarts: 10,
  sent: 1_000_000,
  future: 200_000,
  inOnePass: 10_000,
  capacitySeconds: 8,
  callEvery: 60,
  calls: 11,
};

/** Enough to see what a change did; ratios of such short runs vary by some percent. */
export const QUICK: Scale = {
  messages: 600,
  messagesAtEase: 200,
  messagesOfOneSession: 20,
  messagesWithHotOne: 40,
  repeats: 2,
  others: 1,
  hotRepeats: 2,
  idlePasses: 30,
  coldStarts: 2,
  sent: 100_000,
  future: 20_000,
  inOnePass: 10_000,
  capacitySeconds: 1,
  callEvery: 12,
  calls: 2,
};
