import { z } from "zod";
import { DASHBOARD } from "./dashboard.ts";
import { PLAIN } from "./plain.ts";

/** What kinds of media WAHA sends. */
export const MEDIA_KINDS = ["image", "video", "voice", "file"] as const;
export type MediaKind = (typeof MEDIA_KINDS)[number];

/** Fields that the scheduler writes or that mean the same in every app: no mapped field may be one of these. */
const FIXED = ["_id", "delivery", "isSent", "isDeleted", "isPicked", "scheduledAt", "sentAt", "completedAt"];

const MAX_NAME = 120;

const Field = z
  .string()
  .regex(/^[^.$\0]+$/, "must be a field's name, without dots and dollar signs")
  .max(MAX_NAME, `must have at most ${MAX_NAME} characters`)
  .refine((name) => !FIXED.includes(name), { error: "must not be a field that the scheduler itself uses" });

/** Whether a mapping may name this field. */
export function isMappable(name: string): boolean {
  return Field.safeParse(name).success;
}

const Collection = z
  .string()
  .regex(/^(?!system\.)[^$\0]+$/, "must be a collection's name")
  .max(MAX_NAME, `must have at most ${MAX_NAME} characters`);

/** A word of the app's own; none means that it is not written. */
const Word = z.string().min(1, "must not be empty: null means that it is not written").nullable();

/** Where a picture, video, voice message or file stands on a message: the names of its fields. */
const MediaRule = z.strictObject({
  kind: z.enum(MEDIA_KINDS),
  /** The field that holds its address. */
  url: Field,
  /** A boolean field that must be true. */
  when: Field.optional(),
  mimetype: z.string().min(1).optional(),
  filename: z.string().min(1).optional(),
  /** Have WAHA convert it to what WhatsApp takes. */
  convert: z.boolean().optional(),
});
export type MediaRule = z.infer<typeof MediaRule>;

const MessageNames = z.strictObject({
  collection: Collection,
  campaignId: Field.nullable(),
  sessionId: Field.nullable(),
  chatId: Field.nullable(),
  content: Field,
  /** One field that holds `{kind, url, mimetype?, filename?}`, or rules, of which the first that fits counts. */
  media: z.union([Field, z.array(MediaRule).max(10)]),
  /** A boolean that is written for the app's own screens. */
  failed: Field.nullable(),
  failedReason: Field.nullable(),
});

const CampaignNames = z.strictObject({
  collection: Collection,
  sessionId: Field.nullable(),
  chatId: Field.nullable(),
  groupId: Field.nullable(),
  name: Field.nullable(),
  status: Field,
  /** A boolean that is written: true with the word for completed. */
  completed: Field.nullable(),
  /** A boolean: on hold while it is true. */
  deleted: Field.nullable(),
  sending: Word,
  completedWord: Word,
  failedWord: Word,
  hold: z.array(z.string().min(1)),
});

const GroupNames = z.strictObject({ collection: Collection, chatId: Field });
const SessionNames = z.strictObject({ collection: Collection, name: Field });

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
function contradictions({
  campaigns,
  groups,
  messages,
  sessions,
}: Mapping): [path: string, message: string][] {
  const found: [string, string][] = [];
  const collections = { messages, campaigns, sessions, ...(groups ? { groups } : {}) };
  const seen = new Map<string, string>();
  for (const [key, { collection }] of Object.entries(collections)) {
    const other = seen.get(collection);
    if (other) found.push([`${key}.collection`, `is the collection of ${other}, too`]);
    seen.set(collection, key);
  }
  for (const [key, names] of Object.entries({
    messages: fieldsOfMessages(messages),
    campaigns: fieldsOf(campaigns),
  }))
    for (const [path, field] of repeated(names))
      found.push([`${key}.${path}`, `names the field ${field} twice`]);
  for (const key of ["sending", "completedWord", "failedWord"] as const) {
    const word = campaigns[key];
    if (word !== null && campaigns.hold.includes(word))
      found.push([
        `campaigns.${key}`,
        "is one of campaigns.hold: the scheduler would put its own campaigns on hold",
      ]);
  }
  if (campaigns.groupId && !groups) found.push(["groups", "must be given, as campaigns.groupId is"]);
  return found;
}

const CAMPAIGN_FIELDS = ["sessionId", "chatId", "groupId", "name", "status", "completed", "deleted"] as const;
const MESSAGE_FIELDS = ["campaignId", "sessionId", "chatId", "content", "failed", "failedReason"] as const;

function fieldsOf(names: CampaignNames): [path: string, field: string][] {
  return CAMPAIGN_FIELDS.flatMap((key) => (names[key] ? [[key, names[key]] as [string, string]] : []));
}

function fieldsOfMessages(names: MessageNames): [path: string, field: string][] {
  const own = MESSAGE_FIELDS.flatMap((key) => (names[key] ? [[key, names[key]] as [string, string]] : []));
  if (typeof names.media === "string") return [...own, ["media", names.media]];
  const urls = names.media.map(({ url }, place): [string, string] => [`media.${place}.url`, url]);
  return [...own, ...urls];
}

function repeated(names: [path: string, field: string][]): [path: string, field: string][] {
  return names.filter(([, field], place) => names.findIndex(([, other]) => other === field) < place);
}
