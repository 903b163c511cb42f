import { inspect } from "node:util";
import type { MongoClient } from "mongodb";
import { ConnectionString } from "mongodb-connection-string-url";
import { afterEach, describe, expect, test } from "vitest";
import { type Config, parseConfig } from "../lib/config.ts";
import { ConfigError } from "../lib/errors.ts";
import { closeDatabases, openDatabase } from "../lib/mongo/client.ts";

afterEach(closeDatabases);

const parse = (DATABASE_URL: string): Config =>
  parseConfig({ DATABASE_URL, WAHA_API_URL: "http://waha", CRON_SECRET: "sixteen-letters!" });

/** The client that is made of a connection string; it connects only when it is used. */
function clientOf(url: string): MongoClient {
  // The driver's types do not show it.
  return (openDatabase(parse(url)).messages as unknown as { client: MongoClient }).client;
}

/** The error that a connection string causes by the time the database is opened; throws if it causes none. */
function errorOf(url: string): ConfigError {
  try {
    openDatabase(parse(url));
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("the address is accepted");
}

const ACCEPTED: [kind: string, url: string, name: string, hosts: string[]][] = [
  ["one host", "mongodb://db.example.net/app", "app", ["db.example.net"]],
  ["a port", "mongodb://db.example.net:27018/app", "app", ["db.example.net:27018"]],
  ["several hosts", "mongodb://a:1,b:2,c:3/app?replicaSet=rs", "app", ["a:1", "b:2", "c:3"]],
  ["srv", "mongodb+srv://bob:x@cluster.example.net/app", "app", ["cluster.example.net"]],
  ["an encoded password", "mongodb://bob:p%40%3A%2F%25@h/app", "app", ["h"]],
  ["an encoded name", "mongodb://h/%C3%A4pp", "äpp", ["h"]],
  ["a user and no password", "mongodb://bob@h/app?authMechanism=MONGODB-X509&tls=true", "app", ["h"]],
];

test.each(ACCEPTED)("a connection string with %s is accepted", (_kind, url, name, hosts) => {
  const { DATABASE_URL } = parse(url);
  const [before, after] = [new ConnectionString(url), new ConnectionString(DATABASE_URL.url)];
  expect(DATABASE_URL.name).toBe(name);
  expect(after.hosts).toEqual(hosts);
  expect([after.protocol, after.username, after.password]).toEqual([
    before.protocol,
    before.username,
    before.password,
  ]);
  expect(clientOf(url)).toBeDefined();
});

const WRONG: [kind: string, url: string][] = [
  ["no scheme", "hunter2.net/app"],
  ["another scheme", "postgres://bob:hunter2@h/app"],
  ["no host", "mongodb:///hunter2"],
  ["no database", "mongodb://bob:hunter2@h"],
  ["no database behind the slash", "mongodb://bob:hunter2@h/"],
  ["no database before the options", "mongodb://bob:hunter2@h/?retryWrites=true"],
  ["an @ in the password", "mongodb://bob:hun@ter2hunter2@h/app"],
  ["a : in the password", "mongodb://bob:hunter2:x@h/app"],
  ["a / in the password", "mongodb://bob:hunter2/x@h/app"],
  ["a ? in the password", "mongodb://bob:hunter2?x@h/app"],
  ["a # in the password", "mongodb://bob:hunter2#x@h/app"],
  ["a stray % in the password", "mongodb://bob:hunter2%zz@h/app"],
  ["a stray % in the database's name", "mongodb://bob:hunter2@h/%E0"],
  ["several srv hosts", "mongodb+srv://bob:hunter2@a.example.net,b.example.net/app"],
  ["a port and srv", "mongodb+srv://bob:hunter2@a.example.net:27017/app"],
  ["a port that is none", "mongodb://bob:hunter2@h:99999/app"],
  ["an unknown option", "mongodb://bob:x@h/app?hunter2=hunter2"],
  ["an option's wrong value", "mongodb://bob:x@h/app?tls=hunter2"],
  ["an unknown way to authenticate", "mongodb://bob:x@h/app?authMechanism=hunter2"],
  ["options that exclude each other", "mongodb://bob:hunter2@a,b/app?directConnection=true"],
  ["a dot in the database's name", "mongodb://bob:x@h/hunter2.app"],
  ["a slash in the database's name", "mongodb://bob:x@h/app/hunter2"],
  ["a blank in the database's name", "mongodb://bob:x@h/hunter2%20app"],
  ["a dollar sign in the database's name", "mongodb://bob:x@h/$hunter2"],
  ["a database's name of more than 63 bytes", `mongodb://bob:x@h/${"hunter2".repeat(10)}`],
];

test.each(WRONG)("a connection string with %s is refused, and never shown", (_kind, url) => {
  const error = errorOf(url);
  expect(error.problems.map(({ setting }) => setting)).toEqual(["DATABASE_URL"]);
  const shown = [error.message, JSON.stringify(error.problems), inspect(error, { showHidden: true })].join();
  expect(shown).not.toContain("hunter2");
  expect(shown).not.toContain("bob");
});

/** Each would weaken what the protocol rests on, written as the driver's manual has it or used to. */
const OVERRULED = [
  "w=0",
  "w=1",
  "journal=false",
  "j=false",
  "fsync=false",
  "wtimeoutMS=5",
  "wtimeout=5",
  "readConcernLevel=local",
  "readPreference=secondary",
  "readPreferenceTags=dc:here&readPreferenceTags=",
  "maxStalenessSeconds=120",
  "retryWrites=false",
  "retryReads=false",
];

describe("an option that would weaken the protocol", () => {
  test.each(OVERRULED)("is overruled: %s", (option) => {
    expectProtocol(clientOf(`mongodb://h/app?${option}`));
  });

  const SPELLINGS = OVERRULED.filter((option) => !option.includes("&")).flatMap((option) => {
    const [name = "", value] = option.split("=");
    return [option, `${name.toUpperCase()}=${value}`, `${name.toLowerCase()}=${value}`];
  });

  test.each([...new Set(SPELLINGS)])("is taken out, whatever its case, and others stay: %s", (option) => {
    const { url } = parse(`mongodb://h/app?tls=true&${option}&replicaSet=rs`).DATABASE_URL;
    const options = [...new ConnectionString(url).searchParams].map(([name, value]) => `${name}=${value}`);
    expect(options.filter((each) => !each.startsWith("appName="))).toEqual(["tls=true", "replicaSet=rs"]);
  });

  test("is taken out as often as it is there", () => {
    const { url } = parse("mongodb://h/app?w=0&W=0&readPreferenceTags=a:b&readpreferencetags=").DATABASE_URL;
    expect([...new ConnectionString(url).searchParams.keys()]).toEqual(["appName"]);
  });

  test("is overruled together with all the others", () => {
    const unlike = OVERRULED.filter((option) => option !== "w=1").join("&");
    expectProtocol(clientOf(`mongodb+srv://cluster.example.net/app?${unlike}`));
  });
});

/** Majority writes, majority reads of the primary, both retried once by the driver. */
function expectProtocol({ options }: MongoClient): void {
  expect(options.writeConcern).toMatchObject({ w: "majority", wtimeoutMS: 10_000 });
  // MongoDB's own default journals before it acknowledges a majority.
  expect(options.writeConcern?.journal).not.toBe(false);
  expect(options.readConcern.level).toBe("majority");
  expect(options.readPreference).toMatchObject({ mode: "primary" });
  expect(options.readPreference.tags ?? []).toEqual([]);
  expect(options).toMatchObject({ retryWrites: true, retryReads: true });
}

test("a plain connection string has majority writes, primary reads and retryable writes", () => {
  expectProtocol(clientOf("mongodb://h/app"));
});

test("other options reach the driver", () => {
  const client = clientOf("mongodb://a,b/app?replicaSet=rs&tls=true&authSource=admin&compressors=zlib");
  expect(client.options).toMatchObject({ replicaSet: "rs", tls: true, compressors: ["zlib"] });
});

test("connections show in the database under the scheduler's name, or under the one given", () => {
  expect(clientOf("mongodb://h/app").options.appName).toBe("waha-scheduler");
  expect(clientOf("mongodb://h/app?appname=mine").options.appName).toBe("mine");
});

test("one client serves every pass on the same address", () => {
  expect(clientOf("mongodb://h/app")).toBe(clientOf("mongodb://h/app"));
  expect(clientOf("mongodb://h/app")).not.toBe(clientOf("mongodb://h/other"));
});
