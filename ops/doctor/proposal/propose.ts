import type { Document } from "mongodb";
import { parseMapping } from "../../../lib/documents/parse.ts";
import { PLAIN } from "../../../lib/documents/plain.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import {
  type Field,
  fieldsOf,
  type Guess,
  guessChat,
  guessContent,
  guessFlag,
  guessText,
  referencesBy,
} from "./fields.ts";
import { guessMedia } from "./media.ts";
import { findReferenced, sampleDocuments } from "./references.ts";

const CAMPAIGN = /campaign|broadcast|bulk|batch/i;
const SESSION = /session|account|device|instance|channel|sender/i;
const GROUP = /group|contact|recipient|audience|chat/i;
const STATUS = /^(status|state)$/i;
const NAME = /^(name|title|subject)$/i;
const DELETED = /^(is_?)?deleted$/i;
const SESSION_NAME = /^((waha_?)?session(_?name)?|name|(instance|device|account)_?name)$/i;

/** What a campaign's status says while nothing of it is to be sent. */
const HOLD = /draft|paus|cancel|hold|stop|abort/i;

/** A mapping for a schema that is not known: a value of DOCUMENTS, and what each part of it rests on. */
export interface Proposal {
  documents: string;
  reasons: string[];
}

/** Parts of a mapping, as DOCUMENTS takes them. */
type Parts = Record<"messages", Document> & Partial<Record<"campaigns" | "groups" | "sessions", Document>>;

/** A reference that was taken for something, and the collection that it leads to, if it leads to one. */
interface Reference extends Guess {
  collection: string | undefined;
}

/**
 * Guesses a mapping from some documents of a collection and of those that they refer to. Undefined where there is
 * none that would be taken for DOCUMENTS.
 *
 * @param collections the names of all collections that there are
 */
export async function propose(
  db: Database,
  collection: string,
  collections: string[],
): Promise<Proposal | undefined> {
  const others = collections.filter((name) => name !== collection);
  const fields = fieldsOf("messages", await sampleDocuments(db, collection));
  const chat = guessChat(fields);
  const campaign = await guessReference(db, without(fields, chat), CAMPAIGN, others);
  const session = await guessReference(db, without(fields, chat, campaign), SESSION, others);
  const content = guessContent(without(fields, chat, campaign, session));
  const campaigns = campaign?.collection
    ? await guessCampaigns(db, campaign.collection, others, chat === undefined)
    : undefined;
  const sessionsIn = session?.collection ?? campaigns?.sessionsIn;
  const sessions = sessionsIn === undefined ? undefined : await guessSessions(db, sessionsIn);
  const media = guessMedia(without(fields, chat, campaign, session, content));
  const parts: Parts = {
    messages: {
      collection,
      ...(content ? { content: content.field } : {}),
      ...(chat || campaigns?.hasChat ? { chatId: chat?.field ?? null } : {}),
      campaignId: campaign?.field ?? null,
      sessionId: session?.field ?? null,
      ...(media.length > 0 ? { media } : {}),
    },
    ...campaigns?.parts,
    ...(sessions ? { sessions } : {}),
  };
  const documents = write(parts);
  if (documents === undefined) return undefined;
  return {
    documents,
    reasons: [
      tell("content", content),
      tell("chatId", chat, campaigns?.hasChat ? "that of its campaign" : undefined),
      tell("campaignId", campaign),
      tell("sessionId", session),
    ],
  };
}

function without(fields: Field[], ...taken: (Guess | undefined)[]): Field[] {
  return fields.filter(({ name }) => !taken.some((guess) => guess?.field === name));
}

function tell(name: string, guess: Guess | undefined, instead = "none found"): string {
  return `${name}: ${guess ? `${guess.field} (${guess.why})` : instead}`;
}

/** One that leads to a document counts more than a name alone. Small numbers may be ids in many collections. */
async function guessReference(
  db: Database,
  fields: Field[],
  pattern: RegExp,
  collections: string[],
): Promise<Reference | undefined> {
  const named = referencesBy(fields, pattern);
  const { likely = [], other = [] } = Object.groupBy(collections, (name) =>
    pattern.test(name) ? "likely" : "other",
  );
  for (const field of named) {
    const collection = await findReferenced(db, field, [...likely, ...other]);
    if (collection) return { field: field.name, why: `ids of ${collection}`, collection };
  }
  const [first] = named;
  return first && { field: first.name, why: "by its name", collection: undefined };
}

interface Campaigns {
  parts: Pick<Parts, "campaigns" | "groups">;
  /** The collection of the sessions that campaigns name. */
  sessionsIn: string | undefined;
  /** Campaigns, or their groups, have a chat. */
  hasChat: boolean;
}

/** @param needsChat messages have none of their own */
async function guessCampaigns(
  db: Database,
  collection: string,
  others: string[],
  needsChat: boolean,
): Promise<Campaigns> {
  const rest = others.filter((name) => name !== collection);
  const documents = await sampleDocuments(db, collection);
  const fields = fieldsOf("campaigns", documents);
  const session = await guessReference(db, fields, SESSION, rest);
  const chat = needsChat ? guessChat(without(fields, session)) : undefined;
  const group =
    needsChat && !chat ? await guessGroup(db, without(fields, session), rest, session) : undefined;
  const status = guessText(fields, STATUS);
  const words = documents.map((document) => (status ? document[status] : undefined));
  const held = words.filter((word) => typeof word === "string" && HOLD.test(word));
  return {
    sessionsIn: session?.collection,
    hasChat: chat !== undefined || group !== undefined,
    parts: {
      campaigns: {
        collection,
        sessionId: session?.field ?? null,
        chatId: chat?.field ?? null,
        groupId: group?.field ?? null,
        name: guessText(without(fields, session, chat, group), NAME) ?? null,
        ...(status ? { status } : {}),
        deleted: guessFlag(fields, DELETED) ?? null,
        // Words of the scheduler's own might be none that the app can read.
        sending: null,
        completedWord: null,
        failedWord: null,
        hold: [...new Set([...PLAIN.campaigns.hold, ...held])],
      },
      ...(group ? { groups: { collection: group.collection, chatId: group.chatField } } : {}),
    },
  };
}

/** A campaign's reference to a group, and the group's chat. */
interface Group extends Guess {
  collection: string;
  chatField: string;
}

async function guessGroup(
  db: Database,
  fields: Field[],
  collections: string[],
  session: Reference | undefined,
): Promise<Group | undefined> {
  const others = collections.filter((name) => name !== session?.collection);
  for (const field of referencesBy(fields, GROUP)) {
    const collection = await findReferenced(db, field, others);
    if (!collection) continue;
    const chat = guessChat(fieldsOf("groups", await sampleDocuments(db, collection)));
    if (chat) return { field: field.name, why: `ids of ${collection}`, collection, chatField: chat.field };
  }
  return undefined;
}

async function guessSessions(db: Database, collection: string): Promise<Document> {
  const name = guessText(fieldsOf("sessions", await sampleDocuments(db, collection)), SESSION_NAME);
  return { collection, ...(name === undefined ? {} : { name }) };
}

/** The parts as JSON that DOCUMENTS takes: all of them, else as much as goes together. */
function write(parts: Parts): string | undefined {
  const { campaignId, chatId, collection, content, media: _media, sessionId } = parts.messages;
  const messages = { collection, content, chatId, campaignId, sessionId };
  const tries = [parts, { ...parts, messages }, { messages }, { messages: { collection } }];
  return tries.map(asJson).find((json) => "mapping" in parseMapping(json));
}

/** A quote would end the value where it stands in single quotes, in a shell or a file of settings. */
function asJson(parts: object): string {
  return JSON.stringify({ extends: "plain", ...parts }).replaceAll("'", "\\u0027");
}
