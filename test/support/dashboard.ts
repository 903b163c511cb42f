import type { Collection, Document } from "mongodb";
import type { WahaSimulatorOptions } from "../../dev/waha-simulator/options.ts";
import { ago, createWorld, type World } from "./world.ts";

/**
 * Documents of whatsapp-waha-dashboard as Prisma writes them: ids are strings (cuid), every Boolean is there, and
 * optional fields are absent unless a test gives them.
 */

let written = 0;

/** A cuid: 25 characters that begin with a c. Ids that are made later sort later. */
function cuid(): string {
  written += 1;
  return `cm${written.toString(36).padStart(6, "0")}k08s9x2wq7vb3nd1e`;
}

/** What Prisma sets by `@default(now())` and `@updatedAt`. */
const stamps = () => ({ createdAt: ago(7200), updatedAt: ago(7200) });

/** A session of WAHA's; `sessionName` is its name there. */
export function dashboardSession(fields: Document = {}): Document {
  const _id = cuid();
  return {
    _id,
    sessionName: "default",
    phoneNumber: "491701234567",
    userId: cuid(),
    status: "CONNECTED",
    ...stamps(),
    ...fields,
  };
}

/** A group's chat, or a contact's with a `groupId` that ends in @c.us. */
export function dashboardGroup(sessionId: unknown, fields: Document = {}): Document {
  const _id = cuid();
  return {
    _id,
    groupName: "Sunday team",
    groupId: `1203630${String(written).padStart(11, "0")}@g.us`,
    sessionId,
    ...stamps(),
    ...fields,
  };
}

/** A campaign that is scheduled and has one message a day. */
export function dashboardCampaign(sessionId: unknown, groupId: unknown, fields: Document = {}): Document {
  return {
    _id: cuid(),
    sessionId,
    groupId,
    title: "Spring drive",
    startDate: ago(86_400),
    endDate: ago(-86_400),
    sendTimeUtc: ago(10),
    timeZone: "America/Chicago",
    template: "Hello {name}",
    isDeleted: false,
    isEdited: false,
    isCompleted: false,
    status: "SCHEDULED",
    isRecurring: false,
    ...stamps(),
    ...fields,
  };
}

/** A text that fell due ten seconds ago and that no scheduler has seen. */
export function dashboardMessage(
  sessionId: unknown,
  MessageCampaignId: unknown,
  fields: Document = {},
): Document {
  const _id = cuid();
  return {
    _id,
    sessionId,
    content: `Hello ${written}`,
    scheduledAt: ago(10),
    isPicked: false,
    retryCount: 0,
    maxRetries: 3,
    MessageCampaignId,
    isDeleted: false,
    isEdited: false,
    isSent: false,
    isFailed: false,
    hasImage: false,
    hasVideo: false,
    ...stamps(),
    ...fields,
  };
}

/** The fields of a message with a picture, as the app's upload leaves them. */
export const withImage = (imageUrl: string): Document => ({
  hasImage: true,
  imageUrl,
  imagePublicId: "whatsapp-images/spring",
});

/** The same with a video. */
export const withVideo = (videoUrl: string): Document => ({
  hasVideo: true,
  videoUrl,
  videoPublicId: "whatsapp-videos/spring",
});

/** A story that falls due: the flags of a message, and no chat. The scheduler leaves it alone. */
export function dashboardStatus(
  sessionId: unknown,
  StatusCampaignId: unknown,
  fields: Document = {},
): Document {
  const { MessageCampaignId: _none, ...rest } = dashboardMessage(sessionId, null);
  return { ...rest, StatusCampaignId, ...fields };
}

/** How each state of a message that the app itself knows looks. Only the first is to be sent. */
export const MESSAGE_STATES = {
  due: {},
  later: { scheduledAt: ago(-3600) },
  sentByTheApp: { isPicked: true, isSent: true, sentAt: ago(3600), scheduledAt: ago(3600) },
  failedInTheApp: {
    isPicked: true,
    isFailed: true,
    failedReason: "Session not found",
    retryCount: 3,
    scheduledAt: ago(90_000),
  },
  pickedByTheApp: { isPicked: true, retryCount: 1, scheduledAt: ago(90_000) },
  deleted: { isDeleted: true },
} as const satisfies Record<string, Document>;

/** How each state of a campaign looks. A deleted, draft or cancelled one is on hold. */
export const CAMPAIGN_STATES = {
  scheduled: { status: "SCHEDULED" },
  inProgress: { status: "IN_PROGRESS" },
  completed: { status: "COMPLETED", isCompleted: true },
  failed: { status: "FAILED" },
  draft: { status: "DRAFT" },
  cancelled: { status: "CANCELLED" },
  deleted: { status: "SCHEDULED", isDeleted: true },
  recurring: {
    status: "IN_PROGRESS",
    isRecurring: true,
    recurrence: "WEEKLY",
    nextSendAt: ago(-7 * 86_400),
  },
  untitled: { status: "SCHEDULED", title: null },
} as const satisfies Record<string, Document>;

/** A world with the dashboard's collections; `messages`, `campaigns` and `sessions` are its own. */
export interface DashboardWorld extends World {
  readonly groups: Collection;
  readonly statuses: Collection;
  /** Inserts a session, unless told otherwise the one that WAHA calls `default`; gives its id. */
  session(fields?: Document): Promise<string>;
  /** Inserts a campaign with a group of its own; gives the ids, and the chat that its messages go to. */
  campaign(
    sessionId: string,
    fields?: Document,
    group?: Document,
  ): Promise<{ sessionId: string; campaignId: string; groupId: string; chatId: string }>;
  /** Inserts a message of a campaign; gives its id. */
  message(of: { sessionId: unknown; campaignId: unknown }, fields?: Document): Promise<string>;
}

/** Builds a world whose app is the dashboard, with the one setting that this needs. */
export async function dashboardWorld(
  simulator: WahaSimulatorOptions = {},
  settings: NodeJS.ProcessEnv = {},
): Promise<DashboardWorld> {
  const world = await createWorld(simulator, {
    DOCUMENTS: "whatsapp-waha-dashboard",
    WAHA_DEFAULT_SESSION: undefined,
    ...settings,
  });
  const { db } = world;
  const collection = (name: string): Collection => db.collection(name);
  const insertOne = async (into: Collection, document: Document): Promise<string> => {
    await into.insertOne(document);
    return document._id;
  };
  const messages = collection("Message");
  const campaigns = collection("MessageCampaign");
  const groups = collection("WhatsAppGroup");
  const sessions = collection("WhatsAppSession");
  return {
    ...world,
    messages,
    campaigns,
    groups,
    sessions,
    statuses: collection("Status"),
    insert: async () => {
      throw new Error("the dashboard's ids are no ObjectIds: use message()");
    },
    find: async (id) => {
      const found = await messages.findOne({ _id: id as never });
      if (!found) throw new Error(`no message ${String(id)}`);
      return found;
    },
    session: (fields) => insertOne(sessions, dashboardSession(fields)),
    campaign: async (sessionId, fields, group) => {
      const inGroup = dashboardGroup(sessionId, group);
      const groupId = await insertOne(groups, inGroup);
      const campaignId = await insertOne(campaigns, dashboardCampaign(sessionId, groupId, fields));
      return { sessionId, campaignId, groupId, chatId: inGroup.groupId };
    },
    message: ({ sessionId, campaignId }, fields) =>
      insertOne(messages, dashboardMessage(sessionId, campaignId, fields)),
  };
}
