import { type Collection, type Db, type Document, ObjectId } from "mongodb";
import { onTestFinished } from "vitest";
import type { WahaSimulatorOptions } from "../../dev/waha-simulator/options.ts";
import { startWahaSimulator, type WahaSimulator } from "../../dev/waha-simulator/server.ts";
import { handleCron } from "../../lib/http/cron.ts";
import { closeDatabases } from "../../lib/mongo/client.ts";
import type { Summary } from "../../lib/monitoring/report.ts";
import type { Host } from "../../lib/pass/run.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { freePort } from "./ports.ts";

export const SECRET = "a-secret-of-the-tests";
export const WAHA_KEY = "a-key-of-the-tests";

/** A moment `seconds` before now, or after it if negative. */
export function ago(seconds: number): Date {
  return new Date(Date.now() - seconds * 1000);
}

/** A database, a WAHA and the function between them, for one test. */
export interface World {
  readonly waha: WahaSimulator;
  readonly database: TestDatabase;
  readonly db: Db;
  readonly messages: Collection;
  readonly campaigns: Collection;
  readonly sessions: Collection;
  readonly scheduler: Collection;
  /** The function's settings; a test may change them before a call. */
  readonly env: NodeJS.ProcessEnv;
  /** Calls the function as the cron does. */
  call(query?: string, host?: Partial<Host>): Promise<Response>;
  /** Calls it and gives the summary; throws if the answer is not 200. */
  pass(host?: Partial<Host>): Promise<Summary>;
  /** Inserts messages that are due unless told otherwise, in order; gives their ids. */
  insert(...messages: Document[]): Promise<ObjectId[]>;
  find(id: unknown): Promise<Document>;
}

/** Builds a world with one WORKING session, `default`, unless told otherwise. */
export async function createWorld(
  simulator: WahaSimulatorOptions = {},
  settings: NodeJS.ProcessEnv = {},
): Promise<World> {
  const database = testDatabase();
  const port = await freePort();
  const waha = await startWahaSimulator({ port, apiKey: WAHA_KEY, refusalDelayMs: 20, ...simulator });
  onTestFinished(async () => {
    await waha.stop();
    await closeDatabases();
  });
  const { db } = database;
  const env: NodeJS.ProcessEnv = {
    DATABASE_URL: database.url,
    WAHA_API_URL: waha.url,
    WAHA_API_KEY: WAHA_KEY,
    CRON_SECRET: SECRET,
    WAHA_DEFAULT_SESSION: "default",
    LOG_LEVEL: "silent",
    ...settings,
  };
  const call = (query = "", host: Partial<Host> = {}) =>
    handleCron(
      new Request(`http://localhost/api/cron${query}`, { headers: { authorization: `Bearer ${SECRET}` } }),
      env,
      host,
    );
  return {
    waha,
    database,
    db,
    env,
    call,
    messages: db.collection("messages"),
    campaigns: db.collection("campaigns"),
    sessions: db.collection("sessions"),
    scheduler: db.collection("scheduler"),
    pass: async (host) => {
      const response = await call("", host);
      if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
      return (await response.json()) as Summary;
    },
    insert: async (...messages) => {
      const documents = messages.map(message);
      await db.collection("messages").insertMany(documents);
      return documents.map((document) => document._id as ObjectId);
    },
    find: async (id) => {
      const found = await db.collection("messages").findOne({ _id: id as ObjectId });
      if (!found) throw new Error(`no message ${String(id)}`);
      return found;
    },
  };
}

let chats = 0;

/** A message that fell due ten seconds ago, to a chat of its own; `fields` say otherwise. */
export function message(fields: Document = {}): Document {
  chats += 1;
  return {
    _id: new ObjectId(),
    chatId: `49170${String(chats).padStart(7, "0")}@c.us`,
    content: `Hello ${chats}`,
    scheduledAt: ago(10),
    isSent: false,
    isDeleted: false,
    isPicked: false,
    ...fields,
  };
}

/** As if time had passed for the leases: after a POST without an answer a pass leaves its lease to run out. */
export async function endLeases({ scheduler }: World): Promise<void> {
  const held = { _id: /^session:/ as never, expiresAt: { $gt: ago(1) } };
  await scheduler.updateMany(held, { $set: { expiresAt: ago(1) } });
}

/** As a pass that was killed leaves the session `default`: held for another `seconds`. */
export async function heldFor({ scheduler }: World, seconds: number): Promise<void> {
  const lease = { _id: "session:default", passId: "dead", takenAt: ago(5), expiresAt: ago(-seconds) };
  await scheduler.insertOne(lease as never);
}

/** Lets as much time pass as claims, leases and lookups last: the next pass puts right what one left. */
export async function makePast(db: Db): Promise<void> {
  const messages = db.collection("messages");
  await messages.updateMany({ "delivery.state": "claimed" }, { $set: { "delivery.claimExpiresAt": ago(1) } });
  await messages.updateMany(
    { "delivery.state": "attempting" },
    { $set: { "delivery.nextLookupAt": ago(1), "delivery.attemptAt": ago(700) } },
  );
  await db.collection("scheduler").updateMany({}, { $set: { expiresAt: ago(1) } });
}
