import { randomBytes } from "node:crypto";
import { type Db, type Document, ObjectId } from "mongodb";
import type { Mapping, MediaKind } from "../../../lib/documents/mapping.ts";
import type { Id } from "../../../lib/mongo/ids.ts";
import type { CampaignPlan, MessagePlan, ReferenceForm, Role, WorldPlan } from "../plan/world.ts";
import { type ChaosMedia, collectionOf, toApp } from "./names.ts";

/** What is in the database when a round begins. */
export interface World {
  sessions: Document[];
  groups: Document[];
  campaigns: Document[];
  messages: Document[];
}

const HOUR = 3600;
const DAY = 24 * HOUR;

/** A pass of which nothing is left but what it wrote. */
const DEAD_PASS = "dead-pass";

/** Makes the documents of a world, as an app (and a pass that died long ago) left them, by the harness's own names. */
export function makeDocuments(
  plan: WorldPlan,
  names: Mapping,
  sessionNames: string[],
  lookbackSeconds: number,
  now: number,
): World {
  const newId = idsOf(names);
  const sessions = sessionNames.map((name) => ({ _id: newId(), name }));
  const groups = names.groups ? plan.campaigns.map((_, index) => makeGroup(newId(), index)) : [];
  const refer = (session: number, form: ReferenceForm) => reference(sessions[session], form);
  const campaigns = plan.campaigns.map((campaign, index) => ({
    _id: newId(),
    ...makeCampaign(campaign, index, refer),
    ...(groups[index] ? { groupId: groups[index]._id, completed: false, deleted: false } : {}),
  }));
  const messages = plan.messages.map((message, index) => ({
    _id: newId(),
    ...appFields(message, index, refer, campaigns),
    ...roleFields(message, sessionNames[message.session] ?? "", lookbackSeconds, now),
    ...(names.messages.chatId === null ? withoutChat(message, newId) : {}),
    ...(names.messages.failed === null ? {} : { failed: false }),
  }));
  return { sessions, groups, campaigns, messages };
}

/** Writes the documents of a world, by the app's names. */
export async function insertWorld(db: Db, world: World, names: Mapping): Promise<void> {
  for (const part of ["sessions", "groups", "campaigns", "messages"] as const) {
    const documents = world[part].map((document) => toApp(part, document, names));
    const collection = collectionOf(part, names);
    if (collection && documents.length > 0)
      await db.collection(collection).insertMany(documents, { ignoreUndefined: true });
  }
}

/** How an app makes ids: those that keep chats on groups have texts. */
export function idsOf(names: Mapping): () => Id {
  return names.groups ? () => String(new ObjectId()) : () => new ObjectId();
}

/** In an app whose messages have no chats of their own, one without a chat is one without a campaign. */
function withoutChat({ role }: MessagePlan, newId: () => Id): Document {
  if (role === "no-chat") return { campaignId: undefined };
  return role === "orphan" ? { campaignId: newId() } : {};
}

function makeGroup(_id: Id, index: number): Document & { _id: Id } {
  const chatId = index % 2 === 0 ? `1203630${chatOf(index)}@g.us` : `${chatOf(GROUPS_FROM + index)}@c.us`;
  return { _id, label: `g${index}`, role: "group", appRev: 0, agedBy: 0, chatId };
}

/** Numbers of chats of groups. */
const GROUPS_FROM = 5_000;

/** An address of a file for a message. What WAHA meets there is the first part of its path. */
export function fileOf(kind: MediaKind, file: string, label: string): ChaosMedia {
  return { kind, url: `https://files.example.com/${file}/${label}` };
}

/** Every message has a chat of its own, so that what WAHA accepted can be told apart. */
export function chatOf(number: number): string {
  return `4915${String(number).padStart(8, "0")}`;
}

function makeCampaign(
  { session, form, status }: CampaignPlan,
  index: number,
  refer: (session: number, form: ReferenceForm) => unknown,
): Document {
  return {
    label: `c${index}`,
    role: status === "paused" ? "paused" : "campaign",
    appRev: 0,
    agedBy: 0,
    sessionId: refer(session, form),
    ...(status ? { status } : {}),
  };
}

function appFields(
  { role, session, ownSession, form, campaign, bareChat, media, file }: MessagePlan,
  index: number,
  refer: (session: number, form: ReferenceForm) => unknown,
  campaigns: Document[],
): Document {
  const label = `m${index}`;
  const campaignId = campaign === undefined ? undefined : reference(campaigns[campaign], form);
  return {
    label,
    role,
    appRev: 0,
    agedBy: 0,
    chatId: chatOf(index) + (bareChat ? "" : "@c.us"),
    // A voice message has no caption.
    content: media === "voice" ? "" : `${label} v0`,
    ...(media ? { media: fileOf(media, file, `${label}v0`) } : {}),
    isSent: false,
    isDeleted: false,
    isPicked: false,
    ...(campaignId === undefined ? {} : { campaignId }),
    ...(ownSession ? { sessionId: refer(session, form) } : {}),
  };
}

/** A reference as one app or another writes it; a campaign has no name, and then its id stands for it. */
function reference(document: Document | undefined, form: ReferenceForm): unknown {
  if (form === "text") return String(document?._id);
  return form === "name" && document?.name ? document.name : document?._id;
}

/** What makes a message what it is for: when it is due, and what is particular about it. */
function roleFields(plan: MessagePlan, session: string, lookbackSeconds: number, now: number): Document {
  const at = (seconds: number) => new Date(now + seconds * 1000);
  const { moment } = plan;
  const due = at(-moment * Math.min(10, lookbackSeconds * 0.8));
  const special: Partial<Record<Role, () => Document>> = {
    "due-soon": () => ({ scheduledAt: at(moment * 8) }),
    "due-later": () => ({ scheduledAt: at(20 + moment * 160) }),
    late: () => ({ scheduledAt: at(-lookbackSeconds - 1 - moment * HOUR) }),
    old: () => ({ scheduledAt: at(-DAY - (1 + moment) * HOUR) }),
    deleted: () => ({ isDeleted: true }),
    "no-chat": () => ({ chatId: "no chat" }),
    "empty-text": () => ({ content: " " }),
    "odd-text": () => ({ content: 42 }),
    "flag-missing": () => ({ [moment < 0.5 ? "isPicked" : "isSent"]: undefined }),
    "date-as-text": () => ({ scheduledAt: due.toISOString() }),
    "picked-elsewhere": () => ({ isPicked: true }),
    "no-session": () => ({ sessionId: "nowhere" }),
    orphan: () => ({ campaignId: new ObjectId() }),
    "expired-claim": () => ({
      isPicked: true,
      delivery: {
        state: "claimed",
        passId: DEAD_PASS,
        claimedAt: at(-20),
        claimExpiresAt: at(-5),
        attempts: 0,
      },
    }),
    uncertain: () => ({ isPicked: true, delivery: uncertain(plan, session, at) }),
    "reset-unknown": () => ({
      delivery: {
        ...uncertain(plan, session, at),
        state: "unknown",
        settledAt: at(-3),
        error: { code: "waha_timeout", message: "made up", at: at(-3) },
      },
    }),
  };
  return { scheduledAt: due, ...special[plan.role]?.() };
}

/** An attempt of which WAHA never heard; some without an id to look it up by. */
function uncertain({ moment, role }: MessagePlan, session: string, at: (seconds: number) => Date): Document {
  const withId = role === "reset-unknown" || moment > 0.3;
  return {
    state: "attempting",
    passId: DEAD_PASS,
    claimedAt: at(-15),
    attempts: 1,
    attemptAt: at(-3 - moment * 10),
    session,
    chatId: "490000000000@c.us",
    nextLookupAt: at(-1),
    ...(withId ? { waMessageId: `3EB0${randomBytes(9).toString("hex").toUpperCase()}` } : {}),
  };
}
