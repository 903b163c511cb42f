import { setTimeout as sleep } from "node:timers/promises";
import type { ChangeStream, ChangeStreamDocument, Db, Document, ResumeToken } from "mongodb";
import type { Mapping } from "../../lib/documents/mapping.ts";
import { documentKey } from "../../lib/mongo/ids.ts";
import type { ChaosCampaign, ChaosGroup, ChaosMessage, History } from "./record.ts";
import { collectionOf, fromApp } from "./world/names.ts";

/** The parts of the app's database of which every version is kept. */
const RECORDED = ["messages", "campaigns", "groups"] as const;

const SCHEDULER = "scheduler";

/** Written to last, and by this file alone: a reader that sees that write has seen everything before it. */
const END_OF_HISTORY = "endOfHistory";

const LEASE = "session:";

/** A server that is electing a primary can't be read. After this many tries something else is wrong. */
const TRIES = 300;
const RETRY_MS = 200;

/** Everything that a database held during a round, by `documentKey`; leases by WAHA's session name. */
interface Histories {
  messages: Map<string, History<ChaosMessage>>;
  campaigns: Map<string, History<ChaosCampaign>>;
  groups: Map<string, History<ChaosGroup>>;
  leases: Map<string, History<Document>>;
}

/** Keeps every version of every message, campaign and lease of one database. */
export interface HistoryRecorder {
  /** Reads on to the last write made before this call, and stops. To be called once. */
  finish(): Promise<Histories>;
}

/**
 * Prepares a fresh database so that each version can be told, and begins to read along. Whatever is written once this
 * has resolved is kept, in the order in which a majority took it; a write that a failover rolled back never was.
 */
export async function recordHistory(db: Db, names: Mapping): Promise<HistoryRecorder> {
  const kept = keptOf(names);
  const collections = [...kept.keys()];
  for (const name of collections)
    await db.createCollection(name, { changeStreamPreAndPostImages: { enabled: true } });
  const reader = new Reader(db, collections);
  await reader.open();
  const done = reader.readToEnd((event) => keep(kept, event));
  // A caller that never finishes must not be stopped by its failure either.
  done.catch(() => {});
  const versionsOf = (part: (typeof RECORDED)[number]) =>
    kept.get(collectionOf(part, names) ?? "")?.versions ?? new Map();
  return {
    finish: async () => {
      await db.collection(END_OF_HISTORY).insertOne({}, { writeConcern: { w: "majority" } });
      await done;
      return {
        messages: versionsOf("messages") as Histories["messages"],
        campaigns: versionsOf("campaigns") as Histories["campaigns"],
        groups: versionsOf("groups") as Histories["groups"],
        leases: leasesIn(kept.get(SCHEDULER)?.versions ?? new Map()),
      };
    },
  };
}

/** What is kept of a collection, and by which names. */
interface Kept {
  versions: Map<string, History<Document>>;
  read(document: Document): Document;
}

function keptOf(names: Mapping): Map<string, Kept> {
  const parts = RECORDED.flatMap((part): [string, Kept][] => {
    const collection = collectionOf(part, names);
    if (collection === undefined) return [];
    return [[collection, { versions: new Map(), read: (document) => fromApp(part, document, names) }]];
  });
  return new Map([...parts, [SCHEDULER, { versions: new Map(), read: (document) => document }]]);
}

/** Reads a database's changes from the moment of `open`, through failovers, up to the end of its history. */
class Reader {
  readonly #db: Db;
  readonly #collections: string[];
  #stream: ChangeStream | undefined;
  /** What the first read brought, if there was a change that early. */
  #first: ChangeStreamDocument | null = null;
  #token: ResumeToken | undefined;

  constructor(db: Db, collections: string[]) {
    this.#db = db;
    this.#collections = collections;
  }

  /** Nothing that is written after this has resolved is missed: the driver opens a stream with the first read. */
  async open(): Promise<void> {
    this.#stream = this.#watch();
    this.#first = await this.#stream.tryNext();
    this.#token = this.#stream.resumeToken;
  }

  async readToEnd(keepEvent: (event: ChangeStreamDocument) => void): Promise<void> {
    if (this.#first) keepEvent(this.#first);
    for (;;) {
      const event = await this.#next();
      if ("ns" in event && "coll" in event.ns && event.ns.coll === END_OF_HISTORY) break;
      keepEvent(event);
    }
    await this.#stream?.close();
  }

  /** The driver resumes a stream that broke, but gives up where there is no primary at that very moment. */
  async #next(): Promise<ChangeStreamDocument> {
    for (let triesLeft = TRIES; ; triesLeft -= 1) {
      try {
        this.#stream ??= this.#watch();
        const event = await this.#stream.next();
        this.#token = event._id;
        return event;
      } catch (error) {
        if (triesLeft === 0) throw error;
        await this.#stream?.close().catch(() => {});
        this.#stream = undefined;
        await sleep(RETRY_MS);
      }
    }
  }

  #watch(): ChangeStream {
    // The other collections keep no images, and asking for one that is missing would end the stream.
    const recorded = { "ns.coll": { $in: [...this.#collections, END_OF_HISTORY] } };
    return this.#db.watch([{ $match: recorded }], {
      fullDocument: "required",
      ...(this.#token === undefined ? {} : { resumeAfter: this.#token }),
      // An app may have written anything: it must be read as the function reads it.
      enableUtf8Validation: false,
      bsonRegExp: true,
      maxAwaitTimeMS: 100,
    });
  }
}

function keep(kept: Map<string, Kept>, event: ChangeStreamDocument): void {
  if (!("documentKey" in event) || !("ns" in event)) return;
  const of = kept.get(event.ns.coll);
  if (!of) return;
  const key = documentKey(event.documentKey._id as never);
  const history = of.versions.get(key) ?? [];
  of.versions.set(key, history);
  const document = "fullDocument" in event ? event.fullDocument : undefined;
  if (document === undefined && event.operationType !== "delete") {
    throw new Error(`a ${event.operationType} in ${event.ns.coll} came without the document that it made`);
  }
  history.push({ at: (event.wallTime as Date).getTime(), document: document ? of.read(document) : null });
}

function leasesIn(scheduler: Map<string, History<Document>>): Histories["leases"] {
  const leases: Histories["leases"] = new Map();
  for (const history of scheduler.values()) {
    const id = history.find(({ document }) => document !== null)?.document?._id;
    if (typeof id === "string" && id.startsWith(LEASE)) leases.set(id.slice(LEASE.length), history);
  }
  return leases;
}
