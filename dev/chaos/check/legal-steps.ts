import {
  awaited,
  claim,
  type Demand,
  intent,
  invalid,
  isRefusal,
  live,
  lookedAfter,
  missed,
  noLookup,
  refused,
  released,
  rescue,
  saysWhy,
  sent,
  setBack,
  untried,
} from "./demands.ts";

/** A kind of write that the scheduler may make. */
export interface LegalStep {
  write: string;
  from: string[];
  to: string;
  /** The only fields that it may change; `delivery.*` stands for all of those. */
  changes: string[];
  demands: Demand[];
}

const CLAIMABLE = ["none", "released", "missed", "failed"];
/** What the app's own screens show; written where the app has such fields. */
const SHOWN = ["failed", "failedReason"];
const FAILURE = ["isPicked", "delivery.state", "delivery.settledAt", "delivery.error"];
const RELEASE = [...FAILURE, "delivery.claimExpiresAt", "delivery.nextLookupAt", "delivery.deferredAt"];
const SENT = ["isSent", "sentAt", ...FAILURE, ...SHOWN, "delivery.waMessageId", "delivery.nextLookupAt"];
const INTENT = [
  "state",
  "attempts",
  "attemptAt",
  "session",
  "chatId",
  "waMessageId",
  "nextLookupAt",
  "receiptsUntil",
  "receipt",
  "receiptAt",
].map((field) => `delivery.${field}`);
const OPEN = ["attempting", "unknown"];
const RECEIPT = ["delivery.receipt", "delivery.receiptAt"];
const REFUSED = [...FAILURE, ...SHOWN, ...RECEIPT, "delivery.nextLookupAt"];
const RECEIVED = [...RECEIPT, "delivery.claimExpiresAt"];

/** The life cycle: every write that the scheduler may make on a message, what it may change, and when. */
// biome-ignore format: a table is read by its columns
export const LEGAL_STEPS: LegalStep[] = [
  { write: "claim", from: CLAIMABLE, to: "claimed", changes: ["isPicked", "delivery.*", ...SHOWN], demands: claim },
  { write: "note", from: CLAIMABLE, to: "released", changes: ["delivery.state", "delivery.error"], demands: [live, saysWhy] },
  { write: "missed", from: CLAIMABLE, to: "missed", changes: [...FAILURE, ...SHOWN], demands: missed },
  { write: "rescue", from: ["claimed"], to: "released", changes: ["isPicked", "delivery.state", "delivery.error", "delivery.claimExpiresAt"], demands: rescue },
  { write: "release", from: ["claimed", "attempting"], to: "released", changes: RELEASE, demands: released },
  { write: "return of what was not tried", from: ["claimed", "attempting"], to: "released", changes: ["isPicked", "delivery.state", "delivery.error", "delivery.claimExpiresAt", "delivery.nextLookupAt"], demands: untried },
  { write: "invalid", from: ["claimed"], to: "failed", changes: [...FAILURE, ...SHOWN, "delivery.claimExpiresAt"], demands: invalid },
  { write: "intent", from: ["claimed"], to: "attempting", changes: [...INTENT, "delivery.claimExpiresAt"], demands: intent },
  { write: "unproven", from: ["attempting"], to: "attempting", changes: ["delivery.error"], demands: [saysWhy] },
  { write: "sent", from: ["attempting"], to: "sent", changes: SENT, demands: [...sent, noLookup] },
  { write: "sent after all", from: ["unknown"], to: "sent", changes: SENT, demands: [...sent, lookedAfter] },
  { write: "refused", from: ["attempting"], to: "failed", changes: REFUSED, demands: [...refused, noLookup] },
  { write: "failed, as a later one was accepted", from: ["released"], to: "failed", changes: [...FAILURE, ...SHOWN], demands: [live, ...refused, noLookup] },
  { write: "refused after all", from: ["unknown"], to: "failed", changes: REFUSED, demands: [...refused, lookedAfter] },
  { write: "unknown", from: ["attempting"], to: "unknown", changes: REFUSED, demands: refused },
  ...["attempting", "sent"].map((state) => ({ write: "receipt", from: [state], to: state, changes: RECEIPT, demands: [awaited] })),
  ...["failed", "claimed", "released", "missed"].map((state) => ({ write: "refusal", from: [state], to: state, changes: RECEIPT, demands: [awaited, isRefusal] })),
  { write: "proven sent while its pass waits", from: ["attempting"], to: "attempting", changes: ["delivery.provenAt"], demands: [awaited] },
  { write: "refused after it was accepted", from: ["sent"], to: "sent", changes: [...RECEIPT, "delivery.error", "delivery.nextLookupAt"], demands: [saysWhy, lookedAfter] },
  { write: "arrived after all", from: ["sent"], to: "sent", changes: [...RECEIPT, "delivery.error"], demands: [] },
  { write: "proven sent by an event", from: [...OPEN, "claimed", "released", "missed", "failed"], to: "sent", changes: [...SENT, ...RECEIVED], demands: [awaited, ...sent, lookedAfter] },
  { write: "proven refused by an event", from: OPEN, to: "failed", changes: [...REFUSED, ...RECEIVED], demands: [awaited, ...refused, lookedAfter] },
  ...["sent", "failed"].map((state) => ({ write: "looked after no more", from: [state], to: state, changes: ["delivery.nextLookupAt"], demands: [noLookup] })),
  ...OPEN.map((state) => ({ write: "looked up", from: [state], to: state, changes: ["delivery.nextLookupAt"], demands: [] })),
  ...[...OPEN, "sent"].map((state) => ({ write: "set back", from: [state], to: state, changes: ["isPicked", "isSent"], demands: setBack })),
];
