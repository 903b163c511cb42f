import type { Document } from "mongodb";
import { addSeconds } from "../../lib/clock.ts";
import { SWEPT_SECONDS } from "../../lib/config.ts";
import { PICKED_ELSEWHERE, PICKED_SINCE_RELEASED } from "../../lib/messages/audit.ts";
import { referenceOf } from "../../lib/messages/message.ts";
import { countUpTo } from "../../lib/mongo/bounded-count.ts";
import type { Database } from "../../lib/mongo/client.ts";
import { canBeWritten, type Id } from "../../lib/mongo/ids.ts";
import { withoutHeld } from "../../lib/sessions/routing.ts";
import { counted } from "../format.ts";
import type { Options } from "./options.ts";
import { formsOf, LOOK_MS, meantBy } from "./selection.ts";

/** Counting stops here. */
const MANY = 1000;

/** Says, a line each, why nothing matches; never a text or a chat. */
export async function whyNothing(db: Database, options: Options, now: Date): Promise<string[]> {
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
  const stood = await howTheyStand(db, meant, now);
  const which = [ids.length > 0 ? "with these ids" : "", campaign === undefined ? "" : "of this campaign"];
  lines.push(
    stood.length > 0
      ? `What is meant stands so: ${stood.join(", ")}.`
      : `The collection ${messages.collection} has no message ${which.filter(Boolean).join(" ")}.`,
  );
  return [...lines, ...(await pickedElsewhere(db, meant))];
}

/** Unsent and unpicked messages, by what keeps passes from them. */
const WAITING = "waiting for a pass";
const ON_HOLD = "of a campaign on hold";
const TOO_OLD = "over 24 hours old and never picked: give a new scheduledAt (docs/operations.md#send-again)";

/** How many of a selection are in which state, or why no pass takes them. */
async function howTheyStand(db: Database, meant: Document, now: Date): Promise<string[]> {
  const found = await db.messages
    .aggregate<{ word: string; campaignId: Id | null; count: number }>(
      [
        { $match: meant },
        {
          $group: {
            _id: { word: wordFor(now), campaignId: referenceOf(db.documents.messages, "campaignId") },
            count: { $sum: 1 },
          },
        },
        { $project: { _id: 0, word: "$_id.word", campaignId: "$_id.campaignId", count: 1 } },
      ],
      { maxTimeMS: LOOK_MS },
    )
    .toArray();
  const mayBeHeld = found.filter(
    ({ campaignId, word }) => (word === WAITING || word === TOO_OLD) && canBeWritten(campaignId),
  );
  const notHeld = new Set(await withoutHeld(db, mayBeHeld));
  const held = new Set(mayBeHeld.filter((group) => !notHeld.has(group)));
  const counts = new Map<string, number>();
  for (const group of found) {
    const word = held.has(group) ? ON_HOLD : group.word;
    counts.set(word, (counts.get(word) ?? 0) + group.count);
  }
  return [...counts].sort().map(([word, count]) => `${count.toLocaleString("en")} ${word}`);
}

/** The word for a message's state, as an expression. */
function wordFor(now: Date): Document {
  const type = (field: string) => ({ $type: `$${field}` });
  const noDate = { $ne: [type("scheduledAt"), "date"] };
  const flags = ["isSent", "isDeleted", "isPicked"].map(type);
  // biome-ignore-start lint/suspicious/noThenProperty: $switch has it
  const branches = [
    { case: { $eq: ["$isDeleted", true] }, then: "deleted" },
    { case: { $eq: ["$isSent", true] }, then: "sent" },
    {
      case: { $and: [{ $eq: ["$isPicked", true] }, { $eq: [type("delivery.state"), "string"] }] },
      then: "$delivery.state",
    },
    {
      case: { $ne: [{ $setUnion: [flags] }, ["bool"]] },
      then: "with a flag that is no boolean (flags_missing)",
    },
    { case: { $eq: ["$isPicked", true] }, then: "not touched by the scheduler" },
    { case: noDate, then: "with a scheduledAt that is no Date (date_wrong)" },
    { case: { $lt: ["$scheduledAt", addSeconds(now, -SWEPT_SECONDS)] }, then: TOO_OLD },
  ];
  // biome-ignore-end lint/suspicious/noThenProperty: $switch has it
  return { $switch: { branches, default: WAITING } };
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
