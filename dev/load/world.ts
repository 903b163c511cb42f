import { ObjectId } from "mongodb";
import type { CampaignDocument } from "../../lib/campaigns.ts";
import type { MessageDocument } from "../../lib/messages/message.ts";
import type { SessionDocument } from "../../lib/sessions/routing.ts";
import type { Options } from "./options.ts";

/** A message as it was before the first pass, and where it is to go. */
export interface PlannedMessage {
  document: MessageDocument & { content: string; chatId: string };
  session: string;
}

/** What the app wrote: each session has a campaign, and what is due of all of them is interleaved. */
export interface World {
  sessions: (SessionDocument & { name: string })[];
  campaigns: CampaignDocument[];
  messages: PlannedMessage[];
}

/** How late the oldest message is; LOOKBACK_SECONDS is far more. */
const SPREAD_MS = 3_600_000;

/** About as long as the texts of real campaigns are. */
const FILLER = "Your parcel is on its way and will be with you this afternoon. ".repeat(4);

/** Where the messages of a world belong, by their place among all of them, and when they are due. */
export interface Spread extends Options {
  /** The place of the message's session among the sessions. */
  sessionOf(place: number): number;
  dueAt(place: number): Date;
}

/** Everything is due, the oldest for an hour, and the sessions take turns. */
export function makeWorld({ messages, sessions }: Options, now: Date): World {
  return spreadWorld({
    messages,
    sessions,
    sessionOf: (place) => place % sessions,
    dueAt: (place) => new Date(now.getTime() - SPREAD_MS + Math.floor((place * SPREAD_MS) / messages)),
  });
}

export function spreadWorld({ messages, sessions, sessionOf, dueAt }: Spread): World {
  const sessionDocuments = Array.from({ length: sessions }, (_, place) => ({
    _id: new ObjectId(),
    name: `load-${place}`,
  }));
  const lines = sessionDocuments.map(({ _id, name }) => {
    const campaign = {
      _id: new ObjectId(),
      name: `Campaign of ${name}`,
      sessionId: _id,
      status: "scheduled",
    };
    return { session: name, campaign };
  });
  return {
    sessions: sessionDocuments,
    campaigns: lines.map(({ campaign }) => campaign),
    messages: Array.from({ length: messages }, (_, place) => {
      const { session, campaign } = lines[sessionOf(place)] as (typeof lines)[number];
      return { session, document: makeMessage(place, campaign._id, dueAt(place)) };
    }),
  };
}

function makeMessage(place: number, campaignId: ObjectId, scheduledAt: Date): PlannedMessage["document"] {
  return {
    _id: new ObjectId(),
    campaignId,
    chatId: `49170${String(place).padStart(8, "0")}@c.us`,
    content: `No. ${place}: ${FILLER}`,
    scheduledAt,
    isSent: false,
    isDeleted: false,
    isPicked: false,
  };
}
