import { attachDatabasePool } from "@vercel/functions/db-connections";
import {
  type Collection,
  type Db,
  type Document,
  MongoClient,
  MongoError,
  MongoParseError,
  ReadPreference,
} from "mongodb";
import { backgroundDone } from "../async.ts";
import type { Config } from "../config.ts";
import type { Mapping } from "../documents/mapping.ts";
import { ConfigError, UnavailableError } from "../errors.ts";
import { asUnavailable, unavailable } from "./errors.ts";
import type { Id } from "./ids.ts";
import { simplyCollated } from "./simple-collation.ts";

/** A stored document: any field may hold anything. Each room reads it by types of its own. */
export type Stored = Document & { _id: Id };

/** The collections that the scheduler works on, and the database's time. */
export interface Database {
  /** The names of the app's collections and fields. */
  readonly documents: Mapping;
  readonly messages: Collection<Stored>;
  readonly campaigns: Collection<Stored>;
  /** Null where chats stand on no groups. */
  readonly groups: Collection<Stored> | null;
  readonly sessions: Collection<Stored>;
  /** The scheduler's own small collection: leases, the last pass, the history and the alerts. */
  readonly scheduler: Collection<Stored>;
  /** The database itself, for questions about its server and for transactions. No pass needs either. */
  readonly database: Db;
  /** Connects, unless an earlier call has; so that the reading of the time does not take as long. */
  connect(): Promise<void>;
  /** Asks the primary for its time of day. Refuses a standalone server, which knows no majority. */
  readTime(): Promise<Date>;
}

/** One client an instance: warm invocations find it connected, and the driver reconnects it by itself. */
const clients = new Map<string, MongoClient>();

/**
 * The database that the settings name, over the instance's cached client. Nothing is connected before
 * `connect`.
 *
 * @throws ConfigError if the driver can't make sense of DATABASE_URL
 */
export function openDatabase(config: Config): Database {
  const client = cachedClient(config.DATABASE_URL.url);
  const db = client.db(config.DATABASE_URL.name);
  const documents = config.DOCUMENTS;
  const ofApp = (name: string) => simplyCollated(db.collection<Stored>(name));
  return {
    documents,
    messages: ofApp(documents.messages.collection),
    campaigns: ofApp(documents.campaigns.collection),
    groups: documents.groups && ofApp(documents.groups.collection),
    sessions: ofApp(documents.sessions.collection),
    scheduler: db.collection(config.SCHEDULER_COLLECTION),
    database: db,
    connect: () => connect(client, config.DATABASE_URL.url),
    readTime: async () => {
      const hello = await db.command({ hello: 1 });
      if (!hello.setName && hello.msg !== "isdbgrid") throw unavailable("database_not_replica_set");
      return hello.localTime as Date;
    },
  };
}

/**
 * Connects a client that is not connected yet. One whose first connection fails never recovers (seen with
 * mongodb 7.9: "Topology is closed" for ever), so it makes room for a new one.
 */
async function connect(client: MongoClient, url: string): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    if (clients.get(url) === client) clients.delete(url);
    await client.close();
    // Also what lies below the driver: no such host, no such certificate file.
    throw asUnavailable(error) instanceof UnavailableError
      ? error
      : unavailable("database_unreachable", error);
  }
}

/** Closes every cached connection, once what goes on behind the answers has ended; for a host that stops. */
export async function closeDatabases(): Promise<void> {
  await backgroundDone();
  const open = [...clients.values()];
  clients.clear();
  await Promise.all(open.map((client) => client.close()));
}

function cachedClient(url: string): MongoClient {
  const cached = clients.get(url);
  if (cached) return cached;
  try {
    const client = new MongoClient(url, {
      writeConcern: { w: "majority", wtimeoutMS: 10_000 },
      // What was read must not be rolled back: a read-back decides whether a message may be posted.
      readConcern: { level: "majority" },
      readPreference: ReadPreference.primary,
      retryWrites: true,
      retryReads: true,
      maxPoolSize: 10,
      // Connections of a frozen instance die unnoticed, so they are closed before it freezes; the platform
      // waits that long (attachDatabasePool).
      maxIdleTimeMS: 5_000,
      serverSelectionTimeoutMS: 5_000,
      connectTimeoutMS: 5_000,
      // What an app stored badly must be readable all the same, or one message would stop them all.
      enableUtf8Validation: false,
      bsonRegExp: true,
      socketTimeoutMS: 15_000,
      waitQueueTimeoutMS: 10_000,
    });
    attachDatabasePool(client);
    clients.set(url, client);
    return client;
  } catch (error) {
    // Its message quotes the address, so only the fact is passed on.
    if (!(error instanceof MongoError) && !(error instanceof TypeError)) throw error;
    const problem =
      error instanceof MongoParseError
        ? "is refused by the MongoDB driver (an unknown option?)"
        : "is malformed";
    throw new ConfigError([{ setting: "DATABASE_URL", problem }]);
  }
}
