import type { CampaignDocument } from "../../lib/campaigns.ts";
import type { MessageDocument } from "../../lib/messages/message.ts";
import type { Accepted } from "./waha.ts";

/** What one pass was like, seen from outside but for its counts. */
export interface PassRun {
  /** Undefined: the process did not live to answer. */
  status: number | undefined;
  seconds: number;
  sent: number;
  campaignsCompleted: number;
  more: boolean;
  /** The most that the function's process has held until now, in bytes. */
  peakMemory: number;
  /** The codes of what did not go well. */
  problems: string[];
}

/** What is there when all is over. */
export interface Seen {
  messages: MessageDocument[];
  campaigns: CampaignDocument[];
  /** What WAHA accepted, in that order. */
  ledger: Accepted[];
  passes: PassRun[];
}
