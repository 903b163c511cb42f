import type { Document } from "mongodb";
import { MAPPINGS, type Mapping, type MappingName } from "../../lib/documents/mapping.ts";
import {
  dashboardCampaign,
  dashboardGroup,
  dashboardMessage,
  dashboardSession,
  dashboardWorld,
  withImage,
  withVideo,
} from "../support/dashboard.ts";
import { createWorld, message, type World } from "../support/world.ts";

/** Addresses at which the simulated WAHA finds a file. */
export const FILE_URL = "https://files.example.com/a.bin";
export const OTHER_URL = "https://files.example.com/other.bin";

/** An app, by its mapping: its documents as they should be, of which a test makes some odd. */
export interface App {
  names: Mapping;
  world(): Promise<World>;
  /** Writes to an empty database what its messages name. */
  prepare(world: World): Promise<void>;
  /** A message that fell due ten seconds ago. */
  message(fields?: Document): Document;
  /** The chat that such a message is for. */
  chatOf(message: Document): unknown;
  /** The fields of a message with a file. */
  file: Document;
}

const session = dashboardSession();
const group = dashboardGroup(session._id);
const campaign = dashboardCampaign(session._id, group._id);

export const APPS: Record<MappingName, App> = {
  plain: {
    names: MAPPINGS.plain,
    world: createWorld,
    prepare: async () => {},
    message,
    chatOf: ({ chatId }) => chatId,
    file: { media: { kind: "image", url: FILE_URL } },
  },
  "whatsapp-waha-dashboard": {
    names: MAPPINGS["whatsapp-waha-dashboard"],
    world: dashboardWorld,
    prepare: async ({ db }) => {
      await db.collection("WhatsAppSession").insertOne(session);
      await db.collection("WhatsAppGroup").insertOne(group);
      await db.collection("MessageCampaign").insertOne(campaign);
    },
    message: (fields) => dashboardMessage(session._id, campaign._id, fields),
    chatOf: () => group.groupId,
    // The video counts.
    file: { ...withImage(OTHER_URL), ...withVideo(FILE_URL) },
  },
};

export const APP_NAMES = Object.keys(APPS) as MappingName[];

const isField = (name: string | null | undefined): name is string => typeof name === "string";

/** The fields of a message that have other names in other apps. */
export function mappedFields({ messages }: Mapping): string[] {
  const { campaignId, chatId, content, failed, failedReason, media, sessionId } = messages;
  const files = typeof media === "string" ? [media] : media.flatMap(({ url, when }) => [when, url]);
  return [campaignId, sessionId, chatId, content, failed, failedReason, ...files].filter(isField);
}

/** The same of campaigns, groups and sessions, by the part of the mapping. */
export function mappedFieldsOnTheWay({ campaigns, groups, sessions }: Mapping) {
  const { chatId, completed, deleted, groupId, name, sessionId, status } = campaigns;
  return {
    campaigns: [name, status, sessionId, chatId, groupId, completed, deleted].filter(isField),
    groups: groups ? [groups.chatId] : [],
    sessions: [sessions.name],
  };
}
