import type { Document } from "mongodb";
import { PICKED_ELSEWHERE, PICKED_SINCE_RELEASED, WRONG_DATE, withoutFlag } from "../messages/audit.ts";
import { LIVE } from "../messages/due.ts";
import { referenceOf } from "../messages/message.ts";
import { type Bounded, countUpTo, type Search } from "../mongo/bounded-count.ts";
import type { Database } from "../mongo/client.ts";
import { canBeWritten, type Id } from "../mongo/ids.ts";
import type { ProblemCode } from "../problems.ts";
import { withoutHeld } from "../sessions/routing.ts";
import { countNotHeld } from "./on-hold.ts";

/** Counting stops here: past it the number says no more than "many". */
const MANY = 1000;

/** What an audit found, by code; a search stops at {@link MANY}. */
export type AuditFindings = Map<ProblemCode, Bounded>;

/** Has a flag, or a list that is taken for one. */
const has = (flag: string): Document => ({ $in: [{ $type: `$${flag}` }, ["bool", "array"]] });

/** What lacks a flag, or has something else in its place; of what has all of `others`. */
function lacking(flag: string, others: string[]): Search<ProblemCode>[] {
  const only: [] | [Document] = others.length > 0 ? [{ $and: others.map(has) }] : [];
  return withoutFlag(flag).map((filter) => ["flags_missing", filter, ...only]);
}

/**
 * Finds the documents that no pass will ever see or touch, each part served by an index that is empty as
 * long as all is well: in one request, and two more where messages were never picked.
 *
 * @param leftAlone messages due before this are too old to be swept
 * @param limits `maxTimeMS`: after how long the database gives up, with an error
 */
export async function auditMessages(
  db: Database,
  leftAlone: Date,
  limits: { maxTimeMS: number },
): Promise<AuditFindings> {
  const neverPicked = neverPickedBefore(leftAlone);
  const findings = await countUpTo(db.messages, searchesFor(leftAlone), MANY, limits);
  const found = findings.get("never_picked");
  if (!found) return findings;
  const { count } = await countNotHeld(db, neverPicked, MANY, limits);
  if (count > 0) findings.set("never_picked", { ...found, count });
  else findings.delete("never_picked");
  return findings;
}

function neverPickedBefore(leftAlone: Date): Document {
  return { ...LIVE, scheduledAt: { $lt: leftAlone } };
}

function searchesFor(leftAlone: Date): Search<ProblemCode>[] {
  return [
    // What lacks two is counted once, by the first that it lacks.
    ...lacking("isSent", []),
    ...lacking("isDeleted", ["isSent"]),
    ...lacking("isPicked", ["isSent", "isDeleted"]),
    ["date_wrong", WRONG_DATE],
    ["never_picked", neverPickedBefore(leftAlone)],
    ["picked_elsewhere", PICKED_ELSEWHERE],
    ["picked_elsewhere", PICKED_SINCE_RELEASED],
  ];
}

/** The ids of the first few messages that an audit counts under a code. */
export async function findAudited(
  db: Database,
  code: ProblemCode,
  leftAlone: Date,
  most: number,
  limits: { maxTimeMS: number },
): Promise<Id[]> {
  const campaignId = referenceOf(db.documents.messages, "campaignId");
  const ids: Id[] = [];
  for (const [, filter, only] of searchesFor(leftAlone).filter(([name]) => name === code)) {
    const found = await db.messages
      .find({ ...filter, ...(only ? { $expr: only } : {}) }, limits)
      .limit(code === "never_picked" ? MANY : most)
      .project<{ _id: Id; campaignId: Id | null }>({ campaignId })
      .toArray();
    const shown = code === "never_picked" ? await withoutHeld(db, found.filter(isRoutable)) : found;
    ids.push(...shown.map(({ _id }) => _id));
  }
  return ids.slice(0, most);
}

const isRoutable = ({ campaignId }: { campaignId: Id | null }) => canBeWritten(campaignId);
