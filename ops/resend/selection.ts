import type { Document } from "mongodb";
import { inBatches } from "../../lib/async.ts";
import { addSeconds } from "../../lib/clock.ts";
import type { MessageNames } from "../../lib/documents/mapping.ts";
import { ENDED_UNSENT } from "../../lib/messages/indexes.ts";
import { referenceOf } from "../../lib/messages/message.ts";
import type { Database } from "../../lib/mongo/client.ts";
import { canBeWritten, type Id, idForms } from "../../lib/mongo/ids.ts";
import { SHORT_ID } from "../../lib/mongo/safe-fields.ts";
import type { Options, ResendState } from "./options.ts";

/** No search takes longer; it is for a person who waits. */
export const LOOK_MS = 60_000;

/** A message that ended unsent, as it was seen: what has changed since is not the same any more. */
export interface Ended {
  _id: Id;
  delivery: { state: ResendState; settledAt: Date };
}

/**
 * The messages that the options mean, as far as they had ended at some moment. Served by `scheduler_ended`, or by
 * `scheduler_campaign` for those of a campaign.
 */
export function selectionOf(names: MessageNames, options: Options, asOf: Date): Document {
  const { codes, since, states } = options;
  const from = typeof since === "number" ? addSeconds(asOf, -since) : since;
  return {
    ...meantBy(names, options),
    ...ENDED_UNSENT,
    isDeleted: false,
    "delivery.state": { $in: states },
    ...(codes.length > 0 ? { "delivery.error.code": { $in: codes } } : {}),
    "delivery.settledAt": { $lte: asOf, ...(from ? { $gte: from } : {}) },
    $expr: SHORT_ID,
  };
}

/** The messages of the campaign and the ids that the options name, in whatever state. */
export function meantBy({ campaignId }: MessageNames, { campaign, ids }: Options): Document {
  return {
    ...(ids.length > 0 ? { _id: { $in: ids.flatMap(formsOf) } } : {}),
    ...(campaign === undefined ? {} : ofCampaign(campaignId, campaign)),
  };
}

/** Where messages name no campaign, a campaign has none. */
function ofCampaign(field: string | null, campaign: string): Document {
  return field === null ? { _id: { $in: [] } } : { [field]: { $in: formsOf(campaign) } };
}

/** All that an id on a command line may stand for. */
export function formsOf(given: string): Id[] {
  const number = Number(given);
  return [...idForms(given), ...(/^\d{1,15}$/.test(given) ? [number] : [])];
}

/** Messages that ended alike, of one campaign. */
export interface EndedGroup {
  state: string;
  code: string | null;
  campaignId: Id | null;
  count: number;
  oldest: Date;
  newest: Date;
}

/** What a selection holds, the largest groups first, and the first few ids. */
export interface Survey {
  groups: EndedGroup[];
  firstIds: Id[];
}

/** How many ids are shown. */
const FIRST_IDS = 5;

/** Looks at a selection, and changes nothing. */
export async function survey(db: Database, selection: Document): Promise<Survey> {
  const pipeline: Document[] = [
    { $match: selection },
    {
      $group: {
        _id: {
          state: "$delivery.state",
          code: "$delivery.error.code",
          campaignId: referenceOf(db.documents.messages, "campaignId"),
        },
        count: { $sum: 1 },
        oldest: { $min: "$scheduledAt" },
        newest: { $max: "$scheduledAt" },
      },
    },
    { $sort: { count: -1 } },
  ];
  const groups = await db.messages.aggregate(pipeline, { maxTimeMS: LOOK_MS }).toArray();
  const first = await find(db, selection).limit(FIRST_IDS).toArray();
  return {
    groups: groups.map(({ _id, ...group }) => ({ code: null, campaignId: null, ..._id, ...group })),
    firstIds: first.map(({ _id }) => _id),
  };
}

/** The messages of a selection, oldest `scheduledAt` first, in batches. */
export async function* endedBatches(
  db: Database,
  selection: Document,
  size: number,
): AsyncGenerator<Ended[]> {
  for await (const batch of inBatches(find(db, selection).batchSize(size), size))
    yield batch.filter(({ _id }) => canBeWritten(_id));
}

function find(db: Database, selection: Document) {
  return db.messages
    .find(selection as never, { maxTimeMS: LOOK_MS })
    .sort({ scheduledAt: 1 })
    .project<Ended>({ "delivery.state": 1, "delivery.settledAt": 1 });
}
