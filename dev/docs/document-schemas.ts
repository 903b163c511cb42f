import { z } from "zod";
import type { CampaignDocument } from "../../lib/campaigns.ts";
import { MAX_MEDIA_PART, MEDIA_KINDS } from "../../lib/documents/mapping.ts";
import {
  type Delivery,
  type DeliveryState,
  MAX_TEXT,
  MAX_URL,
  type MessageDocument,
  RECEIPTS,
} from "../../lib/messages/message.ts";

/*
 * The documents of DOCUMENTS=plain as JSON schemas that MongoDB takes for a collection's validator: with its own names for
 * types (`bsonType`), and with what the scheduler writes. An app may add fields, and a later version of the scheduler, too.
 */

const of = (...types: string[]) => z.any().meta({ bsonType: types.length === 1 ? types[0] : types });

const date = of("date");
const optional = (...types: string[]) => of(...types, "null").optional();
const reference = optional("objectId", "string");
const flag = of("bool");
const count = of("number");
const text = (max: number) => z.string().max(max);
const maybe = <T extends z.ZodType>(type: T) => z.union([type, z.null()]).optional();

const STATES = Object.keys({
  claimed: true,
  attempting: true,
  sent: true,
  failed: true,
  missed: true,
  unknown: true,
  released: true,
} satisfies Record<DeliveryState, true>);

const delivery = {
  state: z.enum(STATES),
  passId: z.string().optional(),
  claimedAt: date.optional(),
  claimExpiresAt: date.optional(),
  attempts: count.optional(),
  attemptAt: date.optional(),
  session: z.string().optional(),
  chatId: z.string().optional(),
  waMessageId: z.string().optional(),
  nextLookupAt: date.optional(),
  settledAt: date.optional(),
  deferredAt: date.optional(),
  receiptsUntil: date.optional(),
  receipt: z.enum(RECEIPTS).optional(),
  receiptAt: date.optional(),
  provenAt: date.optional(),
  error: z.looseObject({ code: z.string(), message: z.string(), at: date }).optional(),
} satisfies Record<keyof Delivery, z.ZodType>;

const media = z.looseObject({
  kind: z.enum(MEDIA_KINDS),
  url: text(MAX_URL),
  mimetype: maybe(text(MAX_MEDIA_PART)),
  filename: maybe(text(MAX_MEDIA_PART)),
});

type MessageField = Exclude<keyof MessageDocument, "_id" | `media${"Url" | "When"}${number}`>;

const Message = z.looseObject({
  chatId: z.string(),
  content: maybe(text(MAX_TEXT)),
  media: maybe(media),
  campaignId: reference,
  sessionId: reference,
  scheduledAt: optional("date"),
  isSent: flag,
  isDeleted: flag,
  isPicked: flag,
  sentAt: optional("date"),
  delivery: maybe(z.looseObject(delivery)),
} satisfies Record<MessageField, z.ZodType>);

const Campaign = z.looseObject({
  name: optional("string"),
  sessionId: reference,
  status: optional("string"),
  completedAt: optional("date"),
  delivery: maybe(
    z.looseObject({
      open: flag.optional(),
      rev: count.optional(),
      checkedAt: date.optional(),
      settledAt: date.optional(),
      counts: z
        .looseObject({ total: count, sent: count, failed: count, missed: count, unknown: count })
        .optional(),
    } satisfies Record<keyof NonNullable<CampaignDocument["delivery"]>, z.ZodType>),
  ),
} satisfies Record<Exclude<keyof CampaignDocument, "_id">, z.ZodType>);

/** The schemas, by the file in which they stand. */
export const DOCUMENT_SCHEMAS: Record<string, z.ZodType> = {
  "docs/message.schema.json": Message,
  "docs/campaign.schema.json": Campaign,
};

/** A schema as MongoDB takes it: it refuses keywords that it does not know, `$schema` among them. */
export function validatorOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _draft, ...keywords } = z.toJSONSchema(schema, { unrepresentable: "any" });
  return keywords;
}
