import { z } from "zod";
import { DASHBOARD } from "./dashboard.ts";
import { PLAIN } from "./plain.ts";

/** What kinds of media WAHA sends. */
export const MEDIA_KINDS = ["image", "video", "voice", "file"] as const;
export type MediaKind = (typeof MEDIA_KINDS)[number];

/** A picture, video, voice message or file that WAHA fetches from an address itself. */
export interface Media {
  kind: MediaKind;
  url: string;
  mimetype?: string | undefined;
  filename?: string | undefined;
  convert?: boolean | undefined;
}

const MAX_NAME = 120;

/** A field's name; none of those that mean the same in every app. */
function field(fixed: string[]) {
  return z
    .string()
    .regex(/^[^.$\0]+$/, "must be a field's name, without dots and dollar signs")
    .max(MAX_NAME, `must have at most ${MAX_NAME} characters`)
    .refine((name) => !fixed.includes(name), { error: "must not be a field that the scheduler itself uses" });
}

const MessageField = field(["_id", "delivery", "isSent", "isDeleted", "isPicked", "scheduledAt", "sentAt"]);
const CampaignField = field(["_id", "delivery", "completedAt"]);
const OtherField = field(["_id"]);

/** Whether a mapping may name this field of a part's documents. */
export function isMappable(part: keyof Mapping, name: string): boolean {
  const fields = {
    messages: MessageField,
    campaigns: CampaignField,
    groups: OtherField,
    sessions: OtherField,
  };
  return fields[part].safeParse(name).success;
}

const Collection = z
  .string()
  .regex(/^(?!system\.)[^$\0]+$/, "must be a collection's name")
  .max(MAX_NAME, `must have at most ${MAX_NAME} characters`);

const NOT_EMPTY = "must not be empty";

/** A word of the app's own; none means that it is not written. */
const Word = z.string().min(1, `${NOT_EMPTY}: null means that it is not written`).nullable();

/** Of which the first that counts is taken. */
const MAX_RULES = 10;

/** How long the mimetype and the filename of a file may be. */
export const MAX_MEDIA_PART = 255;

const MediaPart = z
  .string()
  .min(1, NOT_EMPTY)
  .max(MAX_MEDIA_PART, `must have at most ${MAX_MEDIA_PART} characters`);

/** What WAHA converts. */
const CONVERTED: readonly MediaKind[] = ["video", "voice"];

/**
 * Where a picture, video, voice message or file stands on a message: the names of its fields. It counts where an address
 * is given (not null, absent or empty) and the boolean, if the rule names one, is true. Where no rule counts, the message
 * is a text.
 */
const MediaRule = z
  .strictObject({
    kind: z.enum(MEDIA_KINDS),
    /** The field that holds its address. */
    url: MessageField,
    /** A boolean field that must be true. */
    when: MessageField.optional(),
    mimetype: MediaPart.optional(),
    filename: MediaPart.optional(),
    /** Have WAHA convert it to what WhatsApp takes. */
    convert: z.boolean().optional(),
  })
  .refine(({ convert, kind }) => convert === undefined || CONVERTED.includes(kind), {
    path: ["convert"],
    error: `is for ${CONVERTED.join(" and ")} alone`,
  });
export type MediaRule = z.infer<typeof MediaRule>;

const MessageNames = z.strictObject({
  collection: Collection,
  campaignId: MessageField.nullable(),
  sessionId: MessageField.nullable(),
  chatId: MessageField.nullable(),
  content: MessageField,
  /** One field that holds `{kind, url, mimetype?, filename?}`, or rules, of which the first that counts is taken. */
  media: z.union([MessageField, z.array(MediaRule).max(MAX_RULES, `must have at most ${MAX_RULES} rules`)]),
  /** A boolean that is written for the app's own screens. */
  failed: MessageField.nullable(),
  failedReason: MessageField.nullable(),
});

const CampaignNames = z.strictObject({
  collection: Collection,
  sessionId: CampaignField.nullable(),
  chatId: CampaignField.nullable(),
  groupId: CampaignField.nullable(),
  name: CampaignField.nullable(),
  status: CampaignField,
  /** A boolean that is written: true with the word for completed. */
  completed: CampaignField.nullable(),
  /** A boolean: on hold while it is true. */
  deleted: CampaignField.nullable(),
  sending: Word,
  completedWord: Word,
  failedWord: Word,
  hold: z.array(z.string().min(1, NOT_EMPTY)),
});

const GroupNames = z.strictObject({ collection: Collection, chatId: OtherField });
const SessionNames = z.strictObject({ collection: Collection, name: OtherField });

/** Where an app keeps what the scheduler reads and writes. */
export const MappingSchema = z
  .strictObject({
    messages: MessageNames,
    campaigns: CampaignNames,
    groups: GroupNames.nullable(),
    sessions: SessionNames,
  })
  .superRefine((mapping, context) => {
    for (const [path, message] of contradictions(mapping))
      context.addIssue({ code: "custom", path: path.split("."), message });
  });

export type Mapping = z.infer<typeof MappingSchema>;
export type MessageNames = Mapping["messages"];
export type CampaignNames = Mapping["campaigns"];

/** The mappings that ship, by name. */
export const MAPPINGS = { plain: PLAIN, "whatsapp-waha-dashboard": DASHBOARD } as const satisfies Record<
  string,
  Mapping
>;
export type MappingName = keyof typeof MAPPINGS;

/** What can't go together, by the key that is to be changed. */
function contradictions(mapping: Mapping): [path: string, problem: string][] {
  const { campaigns, groups, messages, sessions } = mapping;
  const collections = { messages, campaigns, sessions, ...(groups ? { groups } : {}) };
  return [
    ...repeated(
      Object.entries(collections).map(([part, { collection }]) => [`${part}.collection`, collection]),
      "is the collection of",
    ),
    ...repeated(fieldsOfMessages(messages), "is the same field as"),
    ...repeated(fieldsOfCampaigns(campaigns), "is the same field as"),
    ...(["sending", "completedWord", "failedWord"] as const)
      .filter((key) => campaigns[key] !== null && campaigns.hold.includes(campaigns[key]))
      .map((key): [string, string] => [
        `campaigns.${key}`,
        "is one of campaigns.hold: the scheduler would put its own campaigns on hold",
      ]),
    ...missing(mapping),
  ];
}

/** What is needed where something else is as it is. */
function missing({ campaigns, groups, messages }: Mapping): [path: string, problem: string][] {
  const found: [string, string][] = [];
  if (campaigns.groupId !== null && !groups) found.push(["groups", "must be given, as campaigns.groupId is"]);
  if (messages.chatId !== null) return found;
  if (campaigns.chatId === null && campaigns.groupId === null)
    found.push(["messages.chatId", "must be given, as neither campaigns.chatId nor campaigns.groupId is"]);
  if (messages.campaignId === null)
    found.push(["messages.campaignId", "must be given, as messages.chatId is not"]);
  return found;
}

type Named = [path: string, name: string];

const CAMPAIGN_FIELDS = ["sessionId", "chatId", "groupId", "name", "status", "completed", "deleted"] as const;
const MESSAGE_FIELDS = ["campaignId", "sessionId", "chatId", "content", "failed", "failedReason"] as const;

function fieldsOfCampaigns(names: CampaignNames): Named[] {
  return CAMPAIGN_FIELDS.flatMap((key): Named[] => (names[key] ? [[`campaigns.${key}`, names[key]]] : []));
}

/** Several rules may depend on one boolean. */
function fieldsOfMessages({ media, ...names }: MessageNames): Named[] {
  const own = MESSAGE_FIELDS.flatMap((key): Named[] => (names[key] ? [[`messages.${key}`, names[key]]] : []));
  if (typeof media === "string") return [...own, ["messages.media", media]];
  const urls = media.map(({ url }, place): Named => [`messages.media.${place}.url`, url]);
  const whens = new Map(media.map(({ when }, place) => [when, `messages.media.${place}.when`]));
  const flags = [...whens].flatMap(([when, path]): Named[] => (when === undefined ? [] : [[path, when]]));
  return [...own, ...urls, ...flags];
}

/** Names that were given before. They are values of a setting, and so not quoted. */
function repeated(names: Named[], words: string): [path: string, problem: string][] {
  return names.flatMap(([path, name], place): [string, string][] => {
    const first = names.findIndex(([, other]) => other === name);
    return first < place ? [[path, `${words} ${names[first]?.[0]}`]] : [];
  });
}
