import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findMongod } from "../../dev/mongod/find.ts";
import { parseConfig } from "../../lib/config.ts";
import { closeDatabases, openDatabase } from "../../lib/mongo/client.ts";
import { asUnavailable } from "../../lib/mongo/errors.ts";
import { freePort } from "../support/ports.ts";
import { run } from "../support/program.ts";
import { SECRET } from "../support/world.ts";

test.each(["", "?replicaSet=rs0"])(
  "a server that was started as one of a set, and never told which, is not called unreachable without a word (%s)",
  async (options) => {
    const folder = await mkdtemp(join(tmpdir(), "no-primary-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const [{ path }, port] = [await findMongod(), await freePort()];
    const place = ["--dbpath", folder, "--port", String(port), "--bind_ip", "127.0.0.1"];
    const mongod = await run([path, "--replSet", "rs0", ...place]);
    await mongod.says(/Waiting for connections/);

    const db = openDatabase(
      parseConfig({
        DATABASE_URL: `mongodb://127.0.0.1:${port}/app${options}`,
        WAHA_API_URL: "http://127.0.0.1:9",
        CRON_SECRET: SECRET,
      }),
    );
    onTestFinished(closeDatabases);
    const error = await db
      .connect()
      .then(() => db.readTime())
      .catch(asUnavailable);
    expect(error).toMatchObject({
      code: "database_unreachable",
      message: expect.stringContaining("is in no replica set yet: run rs.initiate() on it once"),
    });
  },
);
