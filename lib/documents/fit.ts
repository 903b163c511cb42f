import { MAPPINGS, type MappingName } from "./mapping.ts";

/** The flags that a message has in every app. */
const FLAGS = ["isSent", "isDeleted", "isPicked"] as const;

/** Collections of known apps whose documents have a message's flags, and are none: the dashboard's stories. */
export const NO_MESSAGES: readonly string[] = ["Status", "StatusCampaign"];

/** A collection, and the names of the fields of one of its documents. */
export interface SampledCollection {
  collection: string;
  fields: readonly string[];
}

/** Whether a document has the three flags of a message. */
export function looksLikeMessage({ collection, fields }: SampledCollection): boolean {
  return !NO_MESSAGES.includes(collection) && FLAGS.every((flag) => fields.includes(flag));
}

/**
 * Finds the mapping that ships and whose messages these are: it has this collection's name, and the document has what
 * leads to a text and a chat.
 *
 * @param collections the names of all collections of the database
 */
export function fittingMapping(
  { collection, fields }: SampledCollection,
  collections: readonly string[],
): MappingName | undefined {
  const names = Object.keys(MAPPINGS) as MappingName[];
  return names.find((name) => {
    const { campaigns, messages } = MAPPINGS[name];
    if (messages.collection !== collection || !fields.includes(messages.content)) return false;
    if (messages.chatId !== null) return fields.includes(messages.chatId);
    return fields.includes(messages.campaignId) && collections.includes(campaigns.collection);
  });
}
