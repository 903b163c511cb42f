import type { Document } from "mongodb";
import type { ProblemCode } from "../../../lib/problems.ts";

/** What must become of a message once every pass that it needs has run. */
export type Expected =
  /** In WAHA's ledger once, from this session to this chat. */
  | { end: "sent"; session: string; chatId: string }
  /** Not in the ledger, and this is the reason it carries. */
  | { end: "failed" | "missed"; code: ProblemCode }
  /** Not in the ledger, and no pass touched it; `why` in words. */
  | { end: "untouched"; why: string };

/** A message as some app wrote it, and what must become of it. */
export interface SampleMessage {
  document: Document;
  expected: Expected;
}

/** A campaign with its messages; messages without a campaign have one of these without a document. */
export interface SampleCampaign {
  name: string;
  /** WAHA's name of the session that it is sent on. */
  session: string;
  document?: Document;
  /** The status that it must end with. */
  expectedStatus?: string;
  messages: SampleMessage[];
}

/** When the sample's messages fall due. */
export interface Timing {
  /** The ordinary messages, by their place in their campaign. */
  due(place: number): Date;
  /** Those whose session is logged out. */
  blocked(place: number): Date;
  /** The one that its app wrote too late. */
  tooLate: Date;
}
