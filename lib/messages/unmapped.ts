import type { Document } from "mongodb";
import { addSeconds } from "../clock.ts";
import { SWEPT_SECONDS } from "../config.ts";
import { fittingMapping, looksLikeMessage, NO_MESSAGES, type SampledCollection } from "../documents/fit.ts";
import type { MappingName } from "../documents/mapping.ts";
import type { Database } from "../mongo/client.ts";
import { unlessSlow } from "../mongo/errors.ts";

/** So many collections are looked at, and so many fields of a document. */
const MOST_COLLECTIONS = 50;
const MOST_FIELDS = 200;

/** So many that look like messages are asked for unsent ones. */
const MOST_FOUND = 5;

/** So many of a collection's documents are searched for unsent messages, as no index need serve this. */
const MOST_SEARCHED = 5_000;

/** Names that come first, where there are more collections than are looked at. */
const LIKELY = /message|schedul|whatsapp|outbox|queue/i;

/** A collection outside the mapping that looks like messages. */
export interface Unmapped {
  collection: string;
  /** The mapping that ships and fits it. */
  mapping: MappingName | undefined;
  /** Its newest documents hold unsent, undeleted messages of the last day or later; undefined if that is not known. */
  hasUnsent: boolean | undefined;
  /** Some of these are unpicked although their window has closed: no scheduler takes them. */
  hasOverdue: boolean;
}

/** After how long the database gives up a request, with an error. */
export interface Limits {
  maxTimeMS: number;
}

/**
 * Finds collections outside the mapping whose messages are not sent. Where there is no message at all where the mapping
 * says, that is each with messages to be sent. Else only what is overdue elsewhere shows that no other scheduler, which
 * may share the database, sends it.
 */
export async function findMisplaced(
  db: Database,
  now: Date,
  lookbackSeconds: number,
  limits: Limits,
): Promise<Unmapped[]> {
  const found = await findUnmapped(db, now, lookbackSeconds, limits);
  if (found.every(({ hasUnsent }) => !hasUnsent)) return [];
  const areThere = await hasMessages(db, limits);
  return found.filter((unmapped) => isMisplaced(unmapped, areThere));
}

/** @param areThere whether there are messages where the mapping says */
export function isMisplaced({ hasOverdue, hasUnsent }: Unmapped, areThere: boolean): boolean {
  return areThere ? hasOverdue : hasUnsent === true;
}

/** Whether the app has written a message where the mapping says that they are, by the newest document. */
export async function hasMessages({ messages }: Database, limits: Limits): Promise<boolean> {
  const newest = sample(messages.collectionName);
  return (await messages.aggregate<SampledCollection>(newest, limits).toArray()).some(looksLikeMessage);
}

/**
 * Finds collections outside the mapping that look like messages, by one document of each. It takes three requests,
 * and one more for each that looks like messages.
 *
 * @param lookbackSeconds how long a message's window is
 */
export async function findUnmapped(
  db: Database,
  now: Date,
  lookbackSeconds: number,
  limits: Limits,
): Promise<Unmapped[]> {
  const collections = await listCollections(db, limits);
  const samples = await sampleEach(db, outsideOf(db, collections), limits);
  const found = samples.filter(looksLikeMessage).slice(0, MOST_FOUND);
  return Promise.all(
    found.map(async (sample) => ({
      collection: sample.collection,
      mapping: fittingMapping(sample, collections),
      ...(await lookForUnsent(db, sample.collection, now, lookbackSeconds, limits)),
    })),
  );
}

/** The names of the collections that the database's user may see, without views. */
export async function listCollections({ database }: Database, limits: Limits): Promise<string[]> {
  const found = await database
    .listCollections({ type: "collection" }, { nameOnly: true, authorizedCollections: true, ...limits })
    .toArray();
  return found.map(({ name }) => name);
}

/** The collections that are neither the app's by the mapping nor the scheduler's own, likely ones first. */
function outsideOf({ documents, scheduler }: Database, collections: string[]): string[] {
  const { campaigns, groups, messages, sessions } = documents;
  const mapped = [campaigns, groups, messages, sessions].map((part) => part?.collection);
  const others = collections.filter(
    (name) =>
      !mapped.includes(name) &&
      !NO_MESSAGES.includes(name) &&
      !name.startsWith("system.") &&
      name !== scheduler.collectionName,
  );
  const { likely = [], other = [] } = Object.groupBy(others, (name) =>
    LIKELY.test(name) ? "likely" : "other",
  );
  return [...likely, ...other].slice(0, MOST_COLLECTIONS);
}

/** The fields of the newest document of each collection, by `_id`, in one request. */
async function sampleEach(db: Database, collections: string[], limits: Limits): Promise<SampledCollection[]> {
  const samples = collections.map((coll) => ({ $unionWith: { coll, pipeline: sample(coll) } }));
  // The collection of the messages itself adds nothing.
  return db.messages
    .aggregate<SampledCollection>([{ $match: { _id: { $in: [] } } }, ...samples], limits)
    .toArray();
}

function sample(collection: string): Document[] {
  const fields = { $map: { input: { $objectToArray: "$$ROOT" }, in: "$$this.k" } };
  return [
    { $sort: { _id: -1 } },
    { $limit: 1 },
    {
      $project: {
        _id: 0,
        collection: { $literal: collection },
        fields: { $slice: [fields, MOST_FIELDS] },
      },
    },
  ];
}

/** For so long after its window closed a message may wait for a pass that ends it. */
const SLACK_SECONDS = 300;

/** Among the newest by `_id`; not known if even that took the database too long. */
async function lookForUnsent(
  { database }: Database,
  collection: string,
  now: Date,
  lookbackSeconds: number,
  limits: Limits,
): Promise<Pick<Unmapped, "hasUnsent" | "hasOverdue">> {
  const isOverdue = {
    $and: [
      { $eq: ["$isPicked", false] },
      { $lt: ["$scheduledAt", addSeconds(now, -lookbackSeconds - SLACK_SECONDS)] },
    ],
  };
  const search = [
    { $sort: { _id: -1 } },
    { $limit: MOST_SEARCHED },
    {
      $match: {
        isSent: false,
        isDeleted: false,
        scheduledAt: { $gte: addSeconds(now, -SWEPT_SECONDS) },
      },
    },
    { $group: { _id: null, hasOverdue: { $max: isOverdue } } },
  ];
  const searched = database.collection(collection).aggregate<{ hasOverdue: boolean }>(search, limits);
  const found = await unlessSlow(searched.toArray());
  if (!found) return { hasUnsent: undefined, hasOverdue: false };
  return { hasUnsent: found.length > 0, hasOverdue: found[0]?.hasOverdue ?? false };
}
