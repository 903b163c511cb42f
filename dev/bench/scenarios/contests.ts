import { SAFE_FLOOR } from "../contenders/catalog.ts";
import { type Contest, holdContest, type Outcome, oursOf } from "../contest.ts";
import type { Scale } from "../scale.ts";
import type { Findings, Scenario } from "../scenario.ts";
import type { Figures } from "../targets.ts";
import {
  barsOf,
  failuresOf,
  leastAheadOf,
  ratioTo,
  requestsOf,
  tableOf,
  wahaRequestsOf,
} from "./contest-figures.ts";

/** All contenders against each other, at one load. */
interface Plan {
  name: string;
  title: string;
  contest(scale: Scale): Contest;
  figures(outcome: Outcome): Figures;
}

/** About what a WAHA nearby takes for a message. */
const LATENCY_MS = 20;

/** About what WAHA takes in life, where WhatsApp has to acknowledge. */
const USUAL_LATENCY_MS = 200;

const PLANS: Plan[] = [
  {
    name: "20-sessions-20ms",
    title: "20 sessions, WAHA takes 20 ms",
    contest: ({ messages, repeats, others }) => ({
      ...{ messages, repeats, others, sessions: 20, latencyMs: LATENCY_MS },
    }),
    figures: (outcome) => ({
      ratioAt20ms: ratioTo(SAFE_FLOOR, oursOf(outcome), outcome),
      requestsWith20: requestsOf(oursOf(outcome)),
      wahaRequestsWith20: wahaRequestsOf(oursOf(outcome)),
    }),
  },
  {
    name: "20-sessions-0ms",
    title: "20 sessions, WAHA answers at once",
    contest: ({ messages, repeats, others }) => ({
      ...{ messages, repeats, others, sessions: 20, latencyMs: 0 },
    }),
    figures: (outcome) => ({
      ratioAt0ms: ratioTo(SAFE_FLOOR, oursOf(outcome), outcome),
    }),
  },
  {
    name: "20-sessions-200ms",
    title: "20 sessions, WAHA takes 200 ms",
    contest: ({ messagesAtEase, repeats, others }) => ({
      ...{ messages: messagesAtEase, repeats, others, sessions: 20, latencyMs: USUAL_LATENCY_MS },
    }),
    figures: (outcome) => ({ ratioAt200ms: ratioTo(SAFE_FLOOR, oursOf(outcome), outcome) }),
  },
  {
    name: "one-session",
    title: "One session, WAHA takes 20 ms",
    // The contenders are so close that each is measured as often.
    contest: ({ messagesOfOneSession, repeats }) => ({
      ...{ messages: messagesOfOneSession, repeats, others: repeats, sessions: 1, latencyMs: LATENCY_MS },
    }),
    figures: (outcome) => ({ requestsWithOne: requestsOf(oursOf(outcome)) }),
  },
  {
    name: "hot-session",
    title: "20 sessions, one of them with 80% of the messages, WAHA takes 20 ms",
    contest: ({ messagesWithHotOne }) => ({
      ...{ messages: messagesWithHotOne, repeats: 1, others: 1 },
      ...{ sessions: 20, latencyMs: LATENCY_MS, hotShare: 0.8 },
    }),
    figures: () => ({}),
  },
  {
    name: "200-sessions",
    title: "200 sessions, WAHA takes 20 ms (SESSION_CONCURRENCY is 200)",
    contest: ({ messages, repeats, others }) => ({
      ...{ messages, repeats, others, sessions: 200, latencyMs: LATENCY_MS },
      settings: { SESSION_CONCURRENCY: "200" },
    }),
    figures: () => ({}),
  },
];

export const CONTESTS: Scenario[] = PLANS.map(({ name, title, contest: contestOf, figures }) => ({
  name,
  run: async (lab, scale, tell): Promise<Findings> => {
    const contest = contestOf(scale);
    const outcome = await holdContest(lab, contest, tell);
    return {
      tables: [tableOf(title, contest, outcome)],
      figures: { ...figures(outcome), leastAhead: leastAheadOf(outcome) },
      bars: barsOf(title, outcome),
      failures: failuresOf(title, outcome),
    };
  },
}));
