import type { Document } from "mongodb";
import type { ChaosMessage } from "../record.ts";
import { sameValue } from "./changed-fields.ts";
import { TIES_MS, timeOf } from "./steps.ts";

/** A write of the scheduler's on a message. */
export interface Change {
  at: number;
  before: ChaosMessage;
  after: ChaosMessage;
  /** `delivery` before and after it; empty where there was none. */
  was: Document;
  is: Document;
  lookbackMs: number;
  /** The `sentAt` before it, if any, is the scheduler's own. */
  wasSentByUs: boolean;
}

/** Something that must hold of a write, in words that follow "but". */
export type Demand = [otherwise: string, holds: (change: Change) => boolean];

/** The database compares with its own now when a write begins, and notes the time when it is done with it. */
const WRITE_TAKES_MS = 100;

const CLAIM = new Set(["state", "passId", "claimedAt", "claimExpiresAt", "attempts"]);
/** By these a late receipt finds the message; the last one is a refusal. */
const OUTLIVES_CLAIM = new Set(["deferredAt", "session", "waMessageId", "receiptsUntil", "receipt"]);

export const live: Demand = [
  "the three flags were not all false",
  ({ before }) => before.isSent === false && before.isDeleted === false && before.isPicked === false,
];
const picked: Demand = ["isPicked is not true", ({ after }) => after.isPicked === true];
const unpicked: Demand = ["isPicked is not false", ({ after }) => after.isPicked === false];
const staysPicked: Demand = [
  "isPicked was taken away",
  ({ before, after }) => after.isPicked === true || sameValue(before.isPicked, after.isPicked),
];
export const saysWhy: Demand = [
  "it has no error with code, message and time",
  ({ is }) => Boolean(is.error?.code && is.error.message && is.error.at instanceof Date),
];
const settledNow: Demand = ["it has no settledAt", ({ is }) => is.settledAt instanceof Date];
const noExpiry: Demand = ["claimExpiresAt is still there", ({ is }) => !("claimExpiresAt" in is)];
export const noLookup: Demand = ["nextLookupAt is still there", ({ is }) => !("nextLookupAt" in is)];
export const lookedAfter: Demand = [
  "its campaign would not be counted again, as nextLookupAt is gone",
  ({ is }) => is.nextLookupAt instanceof Date,
];
export const awaited: Demand = ["no receipt of it was awaited", ({ is }) => is.receiptsUntil instanceof Date];
export const isRefusal: Demand = ["its receipt would prove it sent", ({ is }) => is.receipt === "refused"];
export const setBack: Demand[] = [
  live,
  picked,
  ["isSent is not what the state says", ({ after, is }) => after.isSent === (is.state === "sent")],
];

export const claim: Demand[] = [
  live,
  picked,
  [
    "its delivery is not just a claim",
    ({ was, is }) =>
      Object.keys(is).every(
        (field) => CLAIM.has(field) || (OUTLIVES_CLAIM.has(field) && sameValue(was[field], is[field])),
      ),
  ],
  ["it names no pass", ({ is }) => typeof is.passId === "string" && is.passId !== ""],
  [
    "attempts did not live on",
    ({ was, is }) => is.attempts === (typeof was.attempts === "number" ? was.attempts : 0),
  ],
  ["the claim ends before it begins", ({ is }) => timeOf(is.claimExpiresAt) > timeOf(is.claimedAt)],
  [
    "it was not due then",
    ({ after, is, lookbackMs }) => {
      const late = timeOf(is.claimedAt) - timeOf(after.scheduledAt);
      return late >= -TIES_MS && late <= lookbackMs + TIES_MS;
    },
  ],
];

export const intent: Demand[] = [
  ["it was sent already", ({ before }) => before.isSent === false],
  ["it was deleted", ({ before }) => before.isDeleted === false],
  ["its claim had expired", ({ was, at }) => timeOf(was.claimExpiresAt) > at - WRITE_TAKES_MS],
  ["attempts did not grow by one", ({ was, is }) => is.attempts === was.attempts + 1],
  ["it does not say when", ({ is }) => is.attemptAt instanceof Date && is.nextLookupAt instanceof Date],
  ["it does not say where to", ({ is }) => typeof is.session === "string" && typeof is.chatId === "string"],
  noExpiry,
];

export const sent: Demand[] = [
  picked,
  ["isSent is not true", ({ after }) => after.isSent === true],
  ["it has no sentAt", ({ after }) => after.sentAt instanceof Date],
  [
    "sentAt was set before",
    ({ before, after, wasSentByUs }) => !wasSentByUs || sameValue(before.sentAt, after.sentAt),
  ],
  ["it has an error", ({ is }) => !("error" in is)],
  settledNow,
];

export const refused: Demand[] = [staysPicked, saysWhy, settledNow];

export const missed: Demand[] = [
  live,
  picked,
  saysWhy,
  settledNow,
  [
    "its window was still open",
    ({ after, is, lookbackMs }) => timeOf(is.settledAt) - timeOf(after.scheduledAt) >= lookbackMs - TIES_MS,
  ],
];

export const rescue: Demand[] = [
  unpicked,
  saysWhy,
  ["it does not say that its pass died", ({ is }) => is.error?.code === "pass_died"],
  ["its claim had not expired", ({ was, is }) => timeOf(was.claimExpiresAt) <= timeOf(is.error?.at)],
  noExpiry,
];

export const released: Demand[] = [unpicked, saysWhy, settledNow, noExpiry, noLookup];

/** Why an attempt whose intent was written may be given back without having been posted. */
const NOT_STARTED = new Set(["claim_ran_out", "out_of_time"]);

/** What was not tried is given back so that it may be claimed again at once. */
export const untried: Demand[] = [
  unpicked,
  saysWhy,
  ["it says that its pass died", ({ is }) => is.error?.code !== "pass_died"],
  [
    "its intent was written, and it does not say that it could not start in time",
    ({ was, is }) => was.state === "claimed" || NOT_STARTED.has(is.error?.code),
  ],
  noExpiry,
  noLookup,
];
export const invalid: Demand[] = [...refused, noExpiry];
