import { randomUUID } from "node:crypto";
import { type Clock, type SystemClock, startClock } from "../../../lib/clock.ts";
import type { Config } from "../../../lib/config.ts";
import { shownDatabase } from "../../../lib/database-url.ts";
import { type Database, openDatabase } from "../../../lib/mongo/client.ts";
import type { SessionLease } from "../../../lib/sessions/leases.ts";
import { type Finding, ofCode, ok, problem } from "../finding.ts";
import { runCheck, stopped } from "../run-check.ts";

/** The database, if it can be used, and what was found about it. */
export interface DatabaseExam {
  findings: Finding[];
  reached?: { db: Database; clock: Clock };
}

/** The tests run on it; older ones lack what the protocol's updates use. */
const OLDEST_SERVER = 6;

/** A difference of the clocks that is worth a word. */
const SKEW_MS = 5_000;

/** Checks that the database can be reached, is a replica set, can be written to by majority, and knows the time. */
export async function checkDatabase(config: Config, hostClock: SystemClock): Promise<DatabaseExam> {
  try {
    const db = openDatabase(config);
    await db.connect();
    const clock = await startClock(hostClock, hostClock.monotonic(), () => db.readTime());
    const name = shownDatabase(config.DATABASE_URL);
    const findings = [
      ok("database", `${name} can be reached, and is a replica set`),
      clockFinding(clock),
      ...(await runCheck("database", async () => [await serverFinding(db)])),
      ...(await runCheck("database", async () => [await writeFinding(db)])),
    ];
    return { findings, reached: { db, clock } };
  } catch (error) {
    return { findings: [stopped("database", error)] };
  }
}

function clockFinding({ skewMs }: Clock): Finding {
  const ahead = `${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs < 0 ? "behind" : "ahead"}`;
  return Math.abs(skewMs) > SKEW_MS
    ? ofCode("warning", "database", "clock_skew", `this computer's clock is ${ahead}`)
    : ok("database", "its clock and this computer's agree");
}

async function serverFinding({ database }: Database): Promise<Finding> {
  const { version } = (await database.command({ buildInfo: 1 })) as { version: string };
  return Number.parseInt(version, 10) >= OLDEST_SERVER
    ? ok("database", `MongoDB ${version}`)
    : problem(
        "database",
        `MongoDB ${version} is older than ${OLDEST_SERVER}.0, on which the scheduler is tested`,
        `Upgrade it to MongoDB ${OLDEST_SERVER}.0 or newer`,
      );
}

/** Writes, and takes back, a document in the scheduler's own collection. No pass looks at it. */
async function writeFinding({ scheduler }: Database): Promise<Finding> {
  const _id = `doctor:${randomUUID()}`;
  await scheduler.insertOne({
    _id,
    passId: "doctor",
    takenAt: new Date(0),
    expiresAt: new Date(0),
  } satisfies SessionLease);
  await scheduler.deleteOne({ _id });
  return ok("database", "writes are acknowledged by a majority of its nodes");
}
