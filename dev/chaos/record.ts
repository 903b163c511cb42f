import type { Document } from "mongodb";
import type { CampaignDocument } from "../../lib/campaigns.ts";
import type { MappingName } from "../../lib/documents/mapping.ts";
import type { MessageDocument } from "../../lib/messages/message.ts";
import type { Id } from "../../lib/mongo/ids.ts";
import type { LedgerEntry, WebhookEntry } from "../waha-simulator/ledger.ts";
import type { Span } from "./check/spans.ts";
import type { ChaosMedia } from "./world/names.ts";

/**
 * Fields that the harness keeps on every message and campaign, beside the app's own. Its "app" raises `appRev`
 * with each write of its own, and `agedBy` grows when time is made to pass, so that a version of a document
 * tells who wrote it: if neither changed, the scheduler did.
 */
export interface HarnessFields {
  /** What a person calls it in a report, such as `m12`; `role` says why the world has it. */
  label: string;
  role: string;
  appRev: number;
  /** Milliseconds by which all its times were moved into the past, so far. */
  agedBy: number;
}

/** Documents by the harness's own names, whatever the app's are: see `world/names.ts`. */
export type ChaosMessage = MessageDocument &
  HarnessFields & { media?: ChaosMedia; failed?: unknown; failedReason?: unknown };
export type ChaosCampaign = CampaignDocument & HarnessFields & { groupId?: Id; completed?: unknown };
export type ChaosGroup = HarnessFields & { chatId?: unknown };

/** One version of a document, in the order in which the database took them. */
export interface Version<T> {
  /** The database's wall clock; the same machine's as that of every `at` in a record. Milliseconds. */
  at: number;
  /** Null: it was removed. */
  document: T | null;
}

/** All versions of one document, oldest first; the first is its insertion. */
export type History<T> = Version<T>[];

/** What WAHA's side of the gateway knows of one POST that sends. */
export interface Post {
  /** The process that made it, and the pass that ran in it as far as the database's traffic told. */
  instance: string;
  passIds: string[];
  session: string;
  chatId: string;
  kind: LedgerEntry["kind"];
  /** The id that the message was given. */
  id: string | undefined;
  /** The text, or the file's caption. */
  text: string;
  /** The file's address. */
  url: string | undefined;
  /** When it arrived, and when its answer was handed over or its connection closed; milliseconds. */
  at: number;
  endedAt: number;
  /** What the client was given: an answer (its body undefined where it was cut off, or is no JSON), or none. */
  answer:
    | { status: number; body: unknown; server?: string | undefined; retryAfter?: string | undefined }
    | undefined;
  /** The client was still there when the answer, its status at least, was handed over. */
  delivered: boolean;
  /** The client ended the connection while it was still to be answered. */
  cutOff: boolean;
}

/** A request of a process, as the database's proxy saw it pass. */
export interface SeenRequest {
  instance: string;
  passIds: string[];
  /** When it was forwarded to the database, and when the reply came back from it (undefined: never). Milliseconds. */
  sentAt: number;
  repliedAt: number | undefined;
}

/** A write of what speaks against a session. */
export interface SeenStrike extends SeenRequest {
  session: string;
  /** The session is to rest for it. */
  rests: boolean;
}

/** A write of messages' states. */
export interface SeenWrite extends SeenRequest {
  /** The time that it sets, so that what it wrote can be told: `settledAt`, or else `error.at`. */
  stamp: Date | undefined;
}

/** One that is for a single message. */
export interface StateWrite extends SeenWrite {
  /** `documentKey` of the message's id. */
  message: string;
  to: string;
  /** It is for an attempt that was looked up, whichever pass made it. */
  isLookupResult: boolean;
  /** The reply reported neither an error nor a write concern's error, and was handed over to the process. */
  acknowledged: boolean;
}

/** A request that claims messages. */
export interface SeenClaim {
  instance: string;
  passId: string;
  claimedAt: Date;
  /** `documentKey`s of the messages that it names, whichever of them it won. */
  messages: string[];
  /** When the process sent it; it may have been held up on its way. */
  arrivedAt: number;
}

/** One call of the function. */
export interface Call {
  instance: string;
  /** When it was made; its process may have had to be started first. */
  at: number;
  endedAt: number | undefined;
  /** The status of its answer; undefined: its process did not live to give one. */
  status: number | undefined;
}

/** Something that was done to a process or to one of its requests, edits by the app not counted. */
export interface Disturbance {
  instance: string;
  point: string;
  at: number;
}

/** A time in which WAHA did not answer as usual: for one session, or for all. */
export interface Outage {
  session: string | undefined;
  at: number;
  until: number;
}

/** A lease that the harness ended although its pass relied on it. */
export interface EndedLease {
  session: string;
  /** The pass that had it. */
  passId: string;
  at: number;
  /** When its pass was told, which had found that a renewal matched nothing and read its leases; undefined: never. */
  toldAt: number | undefined;
}

/** A process that was stopped for a while, or killed. */
export interface Interruption {
  instance: string;
  kind: "killed" | "frozen";
  at: number;
  /** When it went on, for a frozen one. */
  until: number | undefined;
}

/** What the checks must know of a round's settings. */
export interface RoundSettings {
  /** Whose names the app's documents have. */
  documents: MappingName;
  lookbackSeconds: number;
  statusHold: readonly string[];
  passSeconds: number;
  tailSeconds: number;
  sessionConcurrency: number;
  /** The database's primary steps down, perhaps more than once. */
  failover: boolean;
}

/** All that is known of one round when it is over, and nothing is under way any more. */
export interface RoundRecord {
  seed: string;
  round: number;
  messages: Map<string, History<ChaosMessage>>;
  campaigns: Map<string, History<ChaosCampaign>>;
  /** The chats of campaigns, in an app that keeps them so. */
  groups: Map<string, History<ChaosGroup>>;
  /** Session leases (`scheduler`), by WAHA's session name. */
  leases: Map<string, History<Document>>;
  ledger: readonly LedgerEntry[];
  /** What WAHA told of these since. */
  events: readonly WebhookEntry[];
  posts: Post[];
  writes: StateWrite[];
  /** Writes by which a pass gives claims of its own back, however many these are. */
  bulkReleases: SeenWrite[];
  /** Writes that give expired claims back, of whichever pass. */
  rescues: SeenWrite[];
  /** What passes note against sessions. */
  strikes: SeenStrike[];
  /** Looks for what is due. */
  looks: SeenRequest[];
  claims: SeenClaim[];
  /** By pass, the process that it ran in. */
  passes: Map<string, string>;
  calls: Call[];
  interruptions: Interruption[];
  disturbances: Disturbance[];
  outages: Outage[];
  /** When the harness stood still, and passed nothing on. */
  stalls: Span[];
  endedLeases: EndedLease[];
  /** From here on nothing goes wrong any more, other settings count, and time is made to pass. */
  calmFrom: number;
  /** Requests that reached an address to which WAHA only redirected. */
  strayRequests: { method: string; path: string; hadKey: boolean }[];
  /** How many answers of the function were looked at, and those that are none of those promised, in plain words. */
  answers: number;
  oddAnswers: string[];
  /** The settings of the round. */
  settings: RoundSettings;
  /** The names of the app's sessions, by their ids as texts. */
  sessions: Map<string, string>;
  /** WAHA's sessions that work, know message ids and can look a message up. */
  lookupSessions: Set<string>;
  /** Their engines. */
  engines: Map<string, string>;
}
