import { addSeconds } from "../../../lib/clock.ts";
import { SWEPT_SECONDS } from "../../../lib/config.ts";
import { shownId } from "../../../lib/log.ts";
import { LIVE } from "../../../lib/messages/due.ts";
import { type Bounded, countUpTo, type Search } from "../../../lib/mongo/bounded-count.ts";
import type { Database } from "../../../lib/mongo/client.ts";
import { auditMessages, findAudited } from "../../../lib/monitoring/audit.ts";
import type { ProblemCode } from "../../../lib/problems.ts";
import { counted } from "../../format.ts";
import { type Finding, ofCode, ok, problem } from "../finding.ts";
import { LOOK_MS, runCheck } from "../run-check.ts";

/** So many messages are named. */
const SHOWN_IDS = 5;

/** Counting stops here: past it the number says no more than "many". */
const MANY = 1000;

/** What no pass will ever see; the rest that an audit finds is for a person to judge. */
const NEVER_SEEN = new Set<ProblemCode>(["flags_missing", "date_wrong"]);

/** Checks the messages for what no pass will ever send, whatever the reason. */
export async function checkDocuments(db: Database, now: Date): Promise<Finding[]> {
  const findings = [
    ...(await runCheck("documents", () => audit(db, now))),
    ...(await runCheck("documents", () => oddStates(db, now))),
  ];
  if (findings.length > 0) return findings;
  const isEmpty = (await db.messages.findOne({}, { projection: { _id: 1 }, maxTimeMS: LOOK_MS })) === null;
  return isEmpty ? [] : [ok("documents", "no message is out of a pass's sight")];
}

async function audit(db: Database, now: Date): Promise<Finding[]> {
  const leftAlone = addSeconds(now, -SWEPT_SECONDS);
  const limits = { maxTimeMS: LOOK_MS };
  const found = await auditMessages(db, leftAlone, limits);
  return Promise.all(
    [...found].map(async ([code, count]) => {
      const ids = await findAudited(db, code, leftAlone, SHOWN_IDS, limits);
      const about = `${howMany(count)}: ${ids.map((id) => String(shownId(id))).join(", ")}`;
      return ofCode(NEVER_SEEN.has(code) ? "problem" : "warning", "documents", code, about);
    }),
  );
}

/** How far from now the doctor looks at messages that name no campaign, in seconds. */
const NEAR_SECONDS = SWEPT_SECONDS;

/** What names a campaign is found by `scheduler_campaign`. Of the rest, what is near its time is, by `scheduler_due`. */
async function oddStates(db: Database, now: Date): Promise<Finding[]> {
  const known = [null, "released", "claimed", "attempting", "sent", "failed", "missed", "unknown"];
  const odd = { "delivery.state": { $nin: known } };
  const boolean = { $in: [true, false] };
  const near = { $gte: addSeconds(now, -NEAR_SECONDS), $lte: addSeconds(now, NEAR_SECONDS) };
  const live = { ...LIVE, scheduledAt: near, ...odd };
  const { campaignId } = db.documents.messages;
  const searches: Search<"odd">[] =
    campaignId === null
      ? [["odd", live]]
      : [
          [
            "odd",
            {
              [campaignId]: { $exists: true },
              isDeleted: boolean,
              isSent: boolean,
              isPicked: boolean,
              ...odd,
            },
          ],
          ["odd", { [campaignId]: { $exists: false }, ...live }],
        ];
  return (await count(db, searches)).map((odd) =>
    problem(
      "documents",
      `delivery.state is a word that the scheduler does not know, so they are never sent: ${howMany(odd)}`,
      "Find out what else writes delivery, and stop it; it is the scheduler's own",
    ),
  );
}

/** How many messages the searches find together, if any. */
async function count(db: Database, searches: Search<"odd">[]): Promise<Bounded[]> {
  return [...(await countUpTo(db.messages, searches, MANY, { maxTimeMS: LOOK_MS })).values()];
}

function howMany({ count, more }: Bounded): string {
  return counted(count, "message") + (more ? " or more" : "");
}
