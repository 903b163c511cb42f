import type { Document } from "mongodb";
import { PICKED_ELSEWHERE, PICKED_SINCE_RELEASED } from "../../lib/messages/audit.ts";
import { countUpTo } from "../../lib/mongo/bounded-count.ts";
import type { Database } from "../../lib/mongo/client.ts";
import { counted } from "../format.ts";
import type { Options } from "./options.ts";
import { formsOf, LOOK_MS, meantBy } from "./selection.ts";

/** Counting stops here. */
const MANY = 1000;

/** Says, a line each, why nothing matches; never a text or a chat. */
export async function whyNothing(db: Database, options: Options): Promise<string[]> {
  const { campaign, ids, states } = options;
  const head = `Nothing matches: there is no such message that is unsent, not deleted, and ended as ${states.join(" or ")}.`;
  const { campaigns, messages } = db.documents;
  if (!(await db.messages.findOne({}, { projection: { _id: 1 } })))
    return [
      head,
      `The collection ${messages.collection} is empty, or does not exist. Is DATABASE_URL the right database, and does DOCUMENTS name the right collection? npm run doctor looks for messages elsewhere.`,
    ];
  if (campaign === undefined && ids.length === 0) return [head, ...(await pickedElsewhere(db, {}))];
  const lines = [head];
  if (campaign !== undefined && messages.campaignId === null)
    lines.push("Messages name no campaign: messages.campaignId of DOCUMENTS is null.");
  else if (campaign !== undefined && !(await db.campaigns.findOne({ _id: { $in: formsOf(campaign) } })))
    lines.push(`The collection ${campaigns.collection} has no document with the _id ${campaign}.`);
  const meant = meantBy(messages, options);
  const stood = await howTheyStand(db, meant);
  lines.push(
    stood.length > 0
      ? `What is meant stands so: ${stood.join(", ")}.`
      : `The collection ${messages.collection} has no message that is meant.`,
  );
  return [...lines, ...(await pickedElsewhere(db, meant))];
}

/** How many of a selection are in which state. */
async function howTheyStand(db: Database, meant: Document): Promise<string[]> {
  const hasState = { $eq: [{ $type: "$delivery.state" }, "string"] };
  const ofPicked = { $cond: [hasState, "$delivery.state", "not touched by the scheduler"] };
  const ofUnsent = { $cond: [{ $eq: ["$isPicked", false] }, "waiting for a pass", ofPicked] };
  const ofKept = { $cond: [{ $eq: ["$isSent", true] }, "sent", ofUnsent] };
  const word = { $cond: [{ $eq: ["$isDeleted", true] }, "deleted", ofKept] };
  const found = await db.messages
    .aggregate<{ _id: string; count: number }>(
      [{ $match: meant }, { $group: { _id: word, count: { $sum: 1 } } }, { $sort: { _id: 1 } }],
      { maxTimeMS: LOOK_MS },
    )
    .toArray();
  return found.map(({ _id, count }) => `${count.toLocaleString("en")} ${_id}`);
}

/** Those that another scheduler took did not end for this one, so this program does not touch them. */
async function pickedElsewhere(db: Database, meant: Document): Promise<string[]> {
  const found = await countUpTo(
    db.messages,
    [
      ["picked", { ...meant, ...PICKED_ELSEWHERE }],
      ["picked", { ...meant, ...PICKED_SINCE_RELEASED }],
    ],
    MANY,
    { maxTimeMS: LOOK_MS },
  );
  const picked = found.get("picked");
  if (!picked) return [];
  const count = counted(picked.count, "message") + (picked.more ? " or more" : "");
  return [
    `Picked by another program, and unsent (picked_elsewhere): ${count}. This program leaves them alone, as it can't know whether they arrived; docs/operations.md#send-again has the command for them.`,
  ];
}
