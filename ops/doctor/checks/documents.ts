import type { Document } from "mongodb";
import { addSeconds } from "../../../lib/clock.ts";
import { SWEPT_SECONDS } from "../../../lib/config.ts";
import { auditMessages } from "../../../lib/messages/audit.ts";
import type { Bounded } from "../../../lib/mongo/bounded-count.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import type { ProblemCode } from "../../../lib/problems.ts";
import { counted } from "../../format.ts";
import { ANY_CAMPAIGN } from "../../resend/selection.ts";
import { type Finding, ofCode, ok, problem } from "../finding.ts";
import { LOOK_MS, runCheck } from "../run-check.ts";

/** Counting stops here: past it the number says no more than "many". */
const MANY = 1000;

/** What no pass will ever see; the rest that an audit finds is for a person to judge. */
const NEVER_SEEN = new Set<ProblemCode>(["flags_missing", "date_wrong"]);

/** Checks the messages for what no pass will ever send, whatever the reason. */
export async function checkDocuments(db: Database, now: Date): Promise<Finding[]> {
  const findings = [
    ...(await runCheck("documents", () => audit(db, now))),
    ...(await runCheck("documents", () => oddFlags(db))),
    ...(await runCheck("documents", () => oddStates(db))),
  ];
  return findings.length > 0 ? findings : [ok("documents", "no message is out of a pass's sight")];
}

async function audit(db: Database, now: Date): Promise<Finding[]> {
  const found = await auditMessages(db, addSeconds(now, -SWEPT_SECONDS), { maxTimeMS: LOOK_MS });
  return [...found].map(([code, count]) =>
    ofCode(NEVER_SEEN.has(code) ? "problem" : "warning", "documents", code, howMany(count)),
  );
}

const BOOLEAN = { $in: [true, false] };
/** Neither a flag nor the lack of one, which the audit finds. */
const NO_FLAG = { $nin: [true, false, null] };

async function oddFlags(db: Database): Promise<Finding[]> {
  const counts = await Promise.all([
    countByCampaignIndex(db, { isDeleted: NO_FLAG }),
    countByCampaignIndex(db, { isDeleted: BOOLEAN, isSent: NO_FLAG }),
    countByCampaignIndex(db, { isDeleted: BOOLEAN, isSent: BOOLEAN, isPicked: NO_FLAG }),
  ]);
  const count = counts.reduce((sum, each) => sum + each, 0);
  if (count === 0) return [];
  return [
    problem(
      "documents",
      `isSent, isDeleted or isPicked is no boolean ("false" or 0, say), so they are never seen: ${upToMany(count)}`,
      "Make the app write true or false, and convert what is there",
    ),
  ];
}

async function oddStates(db: Database): Promise<Finding[]> {
  const known = [null, "released", "claimed", "attempting", "sent", "failed", "missed", "unknown"];
  const flags = { isDeleted: BOOLEAN, isSent: BOOLEAN, isPicked: BOOLEAN };
  const count = await countByCampaignIndex(db, { ...flags, "delivery.state": { $nin: known } });
  if (count === 0) return [];
  return [
    problem(
      "documents",
      `delivery.state is a word that the scheduler does not know, so they are never sent: ${upToMany(count)}`,
      "Find out what else writes delivery, and stop it; it is the scheduler's own",
    ),
  ];
}

/** Counts messages by fields of `scheduler_campaign`, which lead it in this order. */
async function countByCampaignIndex(db: Database, conditions: Document): Promise<number> {
  const messages = db.database.collection(db.messages.collectionName);
  return messages.countDocuments({ ...ANY_CAMPAIGN, ...conditions }, { limit: MANY, maxTimeMS: LOOK_MS });
}

function upToMany(count: number): string {
  return howMany({ count: Math.min(count, MANY), more: count >= MANY });
}

function howMany({ count, more }: Bounded): string {
  return counted(count, "message") + (more ? " or more" : "");
}
