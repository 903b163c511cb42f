import { randomUUID } from "node:crypto";
import { type Db, MongoClient } from "mongodb";
import { ConnectionString } from "mongodb-connection-string-url";
import { afterAll, inject, onTestFinished, TestRunner } from "vitest";

export type TestDatabase = {
  /**
   * Names the database, and itself by `appName`: a fail point with `data.appName` (the database's name)
   * hits this database's clients only, and not another test's that are being closed.
   */
  url: string;
  client: MongoClient;
  db: Db;
  /** Removes all its collections, so that a file's tests can each start from nothing. */
  drop(): Promise<void>;
};

/** The mongod of this worker alone; the numbers of the workers begin with 1. */
function mongoUrl(): string {
  const url = inject("mongoUrls")[Number(process.env.VITEST_POOL_ID) - 1];
  if (url === undefined) throw new Error(`there is no mongod for worker ${process.env.VITEST_POOL_ID}`);
  return url;
}

/** A drop keeps a replica set waiting for 0.1 s: the next test need not wait for it. */
const dropping: Promise<void>[] = [];
afterAll(async () => {
  await Promise.all(dropping);
});

/**
 * Gives an empty database of its own on the worker's mongod. Called in a test (or in `beforeEach`), it is
 * dropped and its client closed when that test ends; called in a file, a `describe` or `beforeAll`, after
 * the last test there.
 */
export function testDatabase(): TestDatabase {
  const name = `test-${randomUUID()}`;
  const address = new ConnectionString(mongoUrl());
  address.pathname = `/${name}`;
  address.searchParams.set("appName", name);
  const client = new MongoClient(address.href);
  const db = client.db(name);
  const drop = async () => {
    await db.dropDatabase();
  };
  const cleanUp = async () => {
    await drop();
    await client.close();
  };
  if (TestRunner.getCurrentTest()) onTestFinished(() => void dropping.push(cleanUp()));
  else afterAll(cleanUp);
  return { url: address.href, client, db, drop };
}
