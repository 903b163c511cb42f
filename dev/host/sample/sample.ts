import type { Document } from "mongodb";
import type { MediaKind } from "../../../lib/documents/mapping.ts";
import type { Id } from "../../../lib/mongo/ids.ts";
import type { ProblemCode } from "../../../lib/problems.ts";

/** A file that WAHA is to load and send. */
export interface SampleMedia {
  kind: MediaKind;
  url: string;
  mimetype: string;
  filename: string;
}

/** What an app wants to say, before it is written by its names. */
interface Facts {
  /** As the app spells it. */
  chatId: string;
  content: string;
  scheduledAt: Date;
  isDeleted?: boolean;
  /** Where the app has no place for a file of this kind, the text alone is written. */
  media?: SampleMedia | undefined;
}

/** What must become of a message once every pass that it needs has run. */
export type Expected =
  /** In WAHA's ledger once, from this session to this chat. */
  | { end: "sent"; session: string; chatId: string }
  /** Not in the ledger, and this is the reason it carries. */
  | { end: "failed" | "missed"; code: ProblemCode }
  /** Not in the ledger, and no pass touched it; `why` in words. */
  | { end: "untouched"; why: string };

/** A campaign of the sample, before it is written. */
export interface CampaignPlan {
  /** Null: these messages belong to no campaign, or to untitled ones where none can be without. */
  name: string | null;
  /** The ids begin with it, where ids are words. */
  hint: string;
  /** WAHA's name of the session that it is sent on. */
  session: string;
  isOnHold?: boolean;
  /** Those that say nothing else are to be sent. */
  messages: (Facts & { expected?: Expected })[];
}

/** A message as an app wrote it, and what must become of it. */
export interface SampleMessage extends Facts {
  document: Stored;
  expected: Expected;
}

/** The documents of a campaign, by the app's names, and what must become of them. */
export interface SampleCampaign {
  name: string;
  session: string;
  /** Its own: one, none, or one for each chat. */
  campaigns: { document: Stored; endStatus: string }[];
  groups: Stored[];
  sessions: Stored[];
  messages: SampleMessage[];
}

export type Stored = Document & { _id: Id };

/** When the sample's messages fall due. */
export interface Timing {
  /** The ordinary messages, by their place in their campaign. */
  due(place: number): Date;
  /** Those whose session is logged out. */
  blocked(place: number): Date;
  /** The one that its app wrote too late. */
  tooLate: Date;
}
