import type { Document } from "mongodb";
import { MAPPINGS } from "../../../lib/documents/mapping.ts";
import type { Id } from "../../../lib/mongo/ids.ts";
import { partOf } from "../world/names.ts";
import { takenApart } from "./joint.ts";

/** What tells the function's commands apart. */
interface Seen {
  /** Of a `find` or an update's first statement; the first `$match` of an aggregation. */
  filter: Document;
  /** What an update's first statement sets, be it an operator's or a pipeline's. */
  set: Document;
  /** All statements of an update; of one that joins writes, a statement for each. */
  updates: Document[];
  /** The stages of an aggregation, by name. */
  stages: string[];
  /** All that the `$match` of an aggregation ask for. */
  matches: Document;
  /** How many indexes are to be created. */
  indexes: number;
}

type Rule = [point: string, is: (seen: Seen) => boolean];

const always = () => true;

/** The expiry of a lease that is given back. */
const GIVEN_BACK = 0;

/**
 * The points of the protocol at the database, by the commands that are sent there: the first rule that holds
 * names it. A command that is added to the function needs a line here. An update is told by what it does before by
 * what guards it, so that it keeps its name when a guard is broken on purpose.
 */
const COMMANDS: Record<string, Rule[]> = {
  hello: [["time", always]],
  getMore: [["get-more", always]],
  createIndexes: [
    ["create-index", ({ indexes }) => indexes === 1],
    ["create-indexes", always],
  ],
  listIndexes: [["list-indexes", always]],
  dropIndexes: [["drop-index", always]],
  listCollections: [["list-collections", always]],
  "find messages": [
    ["read-claim", ({ filter }) => "delivery.passId" in filter],
    ["find-uncertain", ({ filter }) => "delivery.nextLookupAt" in (filter.$or?.[0] ?? {})],
    ["find-overdue", ({ filter }) => "$or" in filter],
    ["find-next-due", ({ filter }) => "scheduledAt" in filter],
    ["read-writes", ({ filter }) => "_id" in filter],
  ],
  "find campaigns": [
    ["find-open-campaigns", ({ filter }) => "delivery.open" in filter],
    ["find-campaigns", ({ filter }) => "_id" in filter],
  ],
  "find groups": [["find-groups", ({ filter }) => "_id" in filter]],
  "find sessions": [["find-sessions", ({ filter }) => "_id" in filter]],
  "find scheduler": [
    ["read-last-pass", ({ filter }) => filter._id === "last-pass"],
    ["read-alerts", ({ filter }) => filter._id === "alerts"],
    ["read-leases", ({ filter }) => "_id" in filter || "$or" in filter],
  ],
  "aggregate messages": [
    ["find-elsewhere", ({ stages }) => stages[0] === "$sort" && stages.includes("$match")],
    ["find-any-message", ({ stages }) => stages[0] === "$sort"],
    ["sample-collections", ({ filter }) => "_id" in filter],
    ["find-unfinished", ({ filter, matches }) => campaignIn(filter) !== undefined && isOfStates(matches)],
    ["count-campaign", ({ filter }) => campaignIn(filter) !== undefined],
    ["audit", ({ stages }) => stages.includes("$unionWith")],
    ["survey", ({ stages }) => stages.includes("$sort")],
  ],
  "update messages": [
    ["set-back-flags", ({ updates, set }) => isPipeline(updates) && "isSent" in set],
    ["claim", ({ set }) => mergedIn(set).state === "claimed"],
    ["note-blocked", ({ set }) => mergedIn(set).state === "released"],
    ["missed", ({ set }) => mergedIn(set).state === "missed"],
    ["rescue", ({ updates, set }) => isOfMany(updates) && set["delivery.error"]?.code === "pass_died"],
    ["release-claims", ({ updates }) => isOfMany(updates)],
    [
      "lookup-again",
      ({ filter, set }) =>
        "delivery.attemptAt" in filter &&
        Object.keys(set).every((field) => field === "delivery.nextLookupAt"),
    ],
    ["lookup-result", ({ filter }) => "delivery.attemptAt" in filter],
    ["forget-settled", ({ updates }) => updates.every(({ u }) => !("$set" in u))],
    ["late-sent", ({ updates }) => updates.some(isLate)],
    ["intent", ({ updates }) => updates.every(isIntent)],
    ["intent-and-outcome", ({ updates }) => updates.some(isIntent)],
    ["outcome", ({ filter }) => "_id" in filter],
  ],
  "update campaigns": [
    ["touch-campaigns", ({ updates }) => isPipeline(updates)],
    ["settle-campaigns", ({ set }) => set["delivery.open"] === false],
    ["postpone-campaigns", ({ set }) => "delivery.checkedAt" in set],
  ],
  "update scheduler": [
    ["record-last-pass", ({ filter }) => filter._id === "last-pass"],
    ["change-alerts", ({ filter }) => filter._id === "alerts"],
    ["take-leases", ({ set }) => "passId" in set],
    ["strike-session", ({ set }) => "strikes" in set],
    ["clear-strikes", ({ updates }) => updates.some(({ u }) => "strikes" in (u.$unset ?? {}))],
    ["return-leases", ({ set }) => set.expiresAt instanceof Date && set.expiresAt.getTime() === GIVEN_BACK],
    ["leave-leases", ({ set }) => "lastSentAt" in set && !("expiresAt" in set)],
    ["renew-leases", ({ set }) => "expiresAt" in set],
  ],
};

/** The names of all points. */
export const POINTS: readonly string[] = [
  ...new Set(Object.values(COMMANDS).flatMap((rules) => rules.map(([point]) => point))),
];

/**
 * Points that no round reaches, or hardly any: what a pass asks of a database without messages, and of one whose indexes
 * are others.
 */
const BEYOND_ROUNDS = [
  ...["find-any-message", "list-collections", "sample-collections", "find-elsewhere"],
  "drop-index",
];

/** The points at which rounds meet requests. */
export const ROUND_POINTS: readonly string[] = POINTS.filter((point) => !BEYOND_ROUNDS.includes(point));

/** The point that a command of the function's is, by the collections' names in the apps that ship; `other` if it is none. */
export function pointOf(command: Document): string {
  const [name = "", collection] = Object.entries(command)[0] ?? [];
  const rules = COMMANDS[name] ?? COMMANDS[`${name} ${partOf(collection) ?? collection}`] ?? [];
  const seen = look(command);
  return rules.find(([, is]) => is(seen))?.[0] ?? "other";
}

/** What tells a command apart. */
export function look({ filter, indexes = [], pipeline = [], updates: statements = [] }: Document): Seen {
  const updates = (statements as Document[]).flatMap(takenApart);
  const [first] = updates;
  const matches = (pipeline as Document[]).flatMap(({ $match }) => $match ?? []);
  return {
    filter: filter ?? first?.q ?? pipeline[0]?.$match ?? {},
    set: (Array.isArray(first?.u) ? first.u[0] : first?.u)?.$set ?? {},
    updates,
    stages: pipeline.flatMap(Object.keys),
    matches: Object.assign({}, ...matches),
    indexes: indexes.length,
  };
}

const isOfStates = (matches: Document) => "$nor" in matches || "delivery.state" in matches;

/** What a filter of messages asks of their campaign, by the field's name in either app. */
function campaignIn(filter: Document): Document | undefined {
  return CAMPAIGN_FIELDS.map((field) => filter[field]).find((asked) => asked !== undefined);
}

const CAMPAIGN_FIELDS = Object.values(MAPPINGS).map(({ messages }) => messages.campaignId);

const isPipeline = ([first]: Document[]) => Array.isArray(first?.u);
/** Of all that a filter finds, or of a list. What changes one message is sent as an update of many, too. */
const isOfMany = ([first]: Document[]) =>
  first?.multi === true && (first.q._id === undefined || Array.isArray(first.q._id?.$in));
const isIntent = ({ u }: Document) => u.$set?.["delivery.state"] === "attempting";
const isLate = ({ q }: Document) => q["delivery.state"]?.$in?.includes("unknown") === true;

/** The ids of the documents that a command is for, or of the campaigns whose messages it reads. */
export function idsNamedIn(command: Document): Id[] {
  const { filter, updates } = look(command);
  const filters = updates.length > 0 ? updates.map(({ q }) => q) : [filter];
  return filters
    .flatMap((each) => [each._id, campaignIn(each)])
    .flatMap((named): unknown[] => (Array.isArray(named?.$in) ? named.$in : [named]))
    .filter(isPlain);
}

/** An id itself, and not a document of operators. */
export function isPlain(id: unknown): id is Id {
  const isOperators = typeof id === "object" && id !== null && !("_bsontype" in id);
  return id !== undefined && !isOperators;
}

/** The ids of the documents that a reply brings; none if it brings no documents. */
export function idsReadIn({ cursor }: Document): Id[] {
  return (cursor?.firstBatch ?? []).map(({ _id }: Document) => _id);
}

/** What a pipeline merges into `delivery`, as far as it is no expression. */
export function mergedIn(set: Document): Document {
  const parts: Document[] = set.delivery?.$mergeObjects ?? [];
  return Object.assign({}, ...parts.map((part) => part.$literal ?? part));
}
