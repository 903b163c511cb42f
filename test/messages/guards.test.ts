import { type Document, ObjectId } from "mongodb";
import { beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { MAPPINGS } from "../../lib/documents/mapping.ts";
import { rescueExpiredClaims, returnClaims } from "../../lib/messages/claims.ts";
import { type Commit, groupCommit, type WriteResult } from "../../lib/messages/group-commit.ts";
import { joined } from "../../lib/messages/statements.ts";
import {
  type ClaimedMessage,
  failed,
  intent,
  invalid,
  released,
  returned,
  sent,
  type Transition,
  unproven,
  unreleasable,
} from "../../lib/messages/transitions.ts";
import { type Database, openDatabase } from "../../lib/mongo/client.ts";
import { claimFor } from "../support/claims.ts";
import { type RecordedCommand, recordCommands } from "../support/commands.ts";
import { failCommands } from "../support/fail-commands.ts";
import { ago, createWorld, type World } from "../support/world.ts";

const NAMES = MAPPINGS.plain.messages;
const REASON = { code: "session_not_working" } as const;
const ATTEMPT = {
  session: "default",
  chatId: "49170@c.us",
  waMessageId: "A1",
  at: new Date(),
  reconcileAfterSeconds: 120,
  receiptsUntil: undefined,
};

let world: World;
let db: Database;
let commit: Commit;
let commands: RecordedCommand[];

beforeEach(async () => {
  world = await createWorld();
  commands = recordCommands(world);
  db = openDatabase(parseConfig(world.env));
  commit = groupCommit(db);
});

/** Commits a write beside another of its kind, of a message that is gone, so that one statement makes both. */
async function commitJoined(write: Transition): Promise<WriteResult> {
  const _id = new ObjectId();
  const other = { ...write, message: { ...write.message, _id }, filter: { ...write.filter, _id } };
  expect(joined([write, other])).toHaveLength(1);
  const [result] = await Promise.all([write, other].map(groupCommit(db)));
  return result as WriteResult;
}

/** A message that pass A claimed. */
async function claimed(fields: Document = {}, expiresAt = ago(-40)): Promise<ClaimedMessage> {
  const ids = await world.insert(fields);
  const [message] = await claimFor(db, "A", ids, expiresAt);
  if (!message) throw new Error("nothing claimed");
  return message;
}

const stateOf = async (message: ClaimedMessage) => (await world.find(message._id)).delivery.state;

test("of two passes that claim the same messages each gets its own, and together all", async () => {
  const ids = await world.insert(...Array.from({ length: 50 }, () => ({})));
  const [a, b] = await Promise.all([claimFor(db, "A", ids), claimFor(db, "B", ids)]);
  expect(a.length + b.length).toBe(50);
  expect(new Set([...a, ...b].map((message) => String(message._id))).size).toBe(50);
});

test("what another pass claimed, and what stopped being due since it was found, is not claimed", async () => {
  const ids = await world.insert({}, { isDeleted: true }, { scheduledAt: ago(130) }, { isSent: true }, {});
  await claimFor(db, "A", ids.slice(0, 1));
  const claimedByB = await claimFor(db, "B", ids);
  expect(claimedByB.map((message) => message._id)).toEqual([ids[4]]);
  expect((await world.find(ids[0])).delivery.passId).toBe("A");
});

test("a claim starts a message's delivery anew, whatever was there, but keeps its count of attempts and its id", async () => {
  const strange = [
    null,
    "text",
    7,
    { state: "released", attempts: 3, error: { code: "x" }, waMessageId: "OLD" },
  ];
  const ids = await world.insert(...strange.map((delivery) => ({ delivery })));
  expect(await claimFor(db, "A", ids)).toHaveLength(4);
  for (const [index, id] of ids.entries()) {
    const { delivery } = await world.find(id);
    expect(delivery).toEqual({
      state: "claimed",
      passId: "A",
      claimedAt: expect.any(Date),
      claimExpiresAt: expect.any(Date),
      attempts: index === 3 ? 3 : 0,
      ...(index === 3 ? { waMessageId: "OLD" } : {}),
    });
  }
});

test("a claim whose reply is lost is found by the read-back", async () => {
  const ids = await world.insert({}, {});
  const unsure = { failCommands: ["update"], writeConcernError: { code: 91, errmsg: "shutting down" } };
  await failCommands(world, { times: 1 }, unsure);
  expect(await claimFor(db, "A", ids)).toHaveLength(2);
});

/** What the app may do between the claim and the intent; after each the message must not be posted as it was read. */
const EDITS: [name: string, update: Document][] = [
  ["deleted", { isDeleted: true }],
  ["sent by hand", { isSent: true }],
  ["rescheduled", { scheduledAt: ago(-600) }],
  ["given another text", { content: "other" }],
  ["given another chat", { chatId: "4917099@c.us" }],
  ["given another session", { sessionId: "other" }],
  ["moved to another campaign", { campaignId: "other" }],
];

/** How a field that says nothing may be written, and what may be written over it. */
const NOTHING: [field: string, value: unknown][] = ["sessionId", "chatId", "media"].flatMap((field) =>
  ["", "other", 0, false, [], [null], {}, new ObjectId(), new Date()].map((value): [string, unknown] => [
    field,
    value,
  ]),
);

/** After either the driver does not know whether the write took effect. */
const LOST: [what: string, data: object][] = [
  ["its connection is lost", { closeConnection: true }],
  ["its server stops being the primary", { writeConcernError: { code: 189, errmsg: "stepped down" } }],
];

describe.each(["by a statement of its own", "joined with another"])("a write %s", (way) => {
  beforeEach(() => {
    if (way === "joined with another") commit = commitJoined;
  });

  test.each(EDITS)("a message that is %s after its claim gets no intent", async (_name, $set) => {
    const message = await claimed();
    await world.messages.updateOne({ _id: message._id as ObjectId }, { $set });
    expect(await commit(intent(NAMES, message, ATTEMPT))).toBe("stale");
    expect(await stateOf(message)).toBe("claimed");
  });

  test.each(NOTHING)(
    "a message whose %s said nothing, and is %j after its claim, gets no intent",
    async (field, value) => {
      const [absent, empty] = [await claimed({ [field]: undefined }), await claimed({ [field]: null })];
      for (const message of [absent, empty]) {
        await world.messages.updateOne({ _id: message._id as ObjectId }, { $set: { [field]: value } });
        expect(await commit(intent(NAMES, message, ATTEMPT))).toBe("stale");
      }
    },
  );

  test("a field that says nothing may be left out or written as null", async () => {
    const nothing = { sessionId: null, chatId: null, media: null };
    const [absent, empty] = [await claimed({}), await claimed(nothing)];
    await world.messages.updateOne({ _id: absent._id as ObjectId }, { $set: { media: null } });
    await world.messages.updateOne({ _id: empty._id as ObjectId }, { $unset: nothing });
    expect(await commit(intent(NAMES, absent, ATTEMPT))).toBe("applied");
    expect(await commit(intent(NAMES, empty, ATTEMPT))).toBe("applied");
  });

  test.each(LOST)("a write is made once more where %s, and is known to be in effect", async (_what, data) => {
    const message = await claimed();
    await failCommands(world, { times: 1 }, { failCommands: ["update"], ...data });
    expect(await commit(intent(NAMES, message, ATTEMPT))).toBe("applied");
    expect((await world.find(message._id)).delivery.attempts).toBe(1);
  });

  test("texts and chats that look like operators are compared, not run", async () => {
    const message = await claimed({ content: { $gt: "" }, chatId: { $exists: false } });
    expect(await commit(intent(NAMES, message, ATTEMPT))).toBe("applied");
  });

  test("an expired claim gets no intent even if no pass rescued it: the database's clock decides", async () => {
    const message = await claimed({}, ago(1));
    expect(await commit(intent(NAMES, message, ATTEMPT))).toBe("stale");
  });

  test("a stale pass's writes match nothing once its claim was rescued and claimed again", async () => {
    const message = await claimed({}, ago(1));
    expect(await rescueExpiredClaims(db, "B", new Date(), new Date())).toEqual({ changed: 1, rejected: 0 });
    const { delivery } = await world.find(message._id);
    expect(delivery).toMatchObject({ state: "released", error: { code: "pass_died" } });
    await claimFor(db, "B", [message._id as ObjectId]);
    const before = await world.find(message._id);
    const id = message._id;
    const writes = [
      intent(NAMES, message, ATTEMPT),
      sent(NAMES, message, new Date(), "A1"),
      sent(NAMES, message, new Date(), "A1", "unknown"),
      failed(NAMES, message, new Date(), REASON),
      invalid(NAMES, message, new Date(), REASON),
      released(message, new Date(), REASON),
      returned(message, new Date(), REASON),
      unproven(message, new Date(), REASON),
      unreleasable(NAMES, message, new Date()),
    ];
    expect(await Promise.all(writes.map(commit))).toEqual(writes.map(() => "stale"));
    expect(await returnClaims(db, [id], "A", new Date(), REASON)).toMatchObject({ changed: 0 });
    expect(await world.find(id)).toEqual(before);
  });

  test("a claim that has not expired, and an intent, are not rescued", async () => {
    const young = await claimed();
    const attempting = await claimed({}, ago(-15));
    await commit(intent(NAMES, attempting, ATTEMPT));
    expect(await rescueExpiredClaims(db, "B", ago(-20), ago(-20))).toMatchObject({ changed: 0 });
    expect([await stateOf(young), await stateOf(attempting)]).toEqual(["claimed", "attempting"]);
  });

  test("what was sent can be neither released, failed nor sent again", async () => {
    const message = await claimed();
    await commit(intent(NAMES, message, ATTEMPT));
    expect(await commit(sent(NAMES, message, ago(3), "A1"))).toBe("applied");
    const before = await world.find(message._id);
    const at = new Date();
    const writes = [
      sent(NAMES, message, at, "B"),
      sent(NAMES, message, at, "B", "unknown"),
      released(message, at, REASON),
      failed(NAMES, message, at, REASON),
      unproven(message, at, REASON),
      unreleasable(NAMES, message, at),
    ];
    await Promise.all(writes.map(commit));
    expect(await world.find(message._id)).toEqual(before);
  });

  test("a settlement that a receipt contradicts is stale: nothing that was sent is released or refused, nor the other way round", async () => {
    const attempting = async (receipt: string) => {
      const message = await claimed();
      await commit(intent(NAMES, message, ATTEMPT));
      const of = { _id: message._id as ObjectId };
      await world.messages.updateOne(of, { $set: { "delivery.receipt": receipt } });
      return message;
    };
    const at = new Date();
    for (const receipt of ["server", "delivered", "read", "played"]) {
      const message = await attempting(receipt);
      expect(await commit(released(message, at, REASON))).toBe("stale");
      expect(await commit(failed(NAMES, message, at, REASON))).toBe("stale");
      expect(await commit(unreleasable(NAMES, message, at))).toBe("stale");
      expect(await commit(sent(NAMES, message, at, "A1"))).toBe("applied");
    }
    const proven = await attempting("none");
    await world.messages.updateOne({ _id: proven._id as ObjectId }, { $set: { "delivery.provenAt": at } });
    expect(await commit(released(proven, at, REASON))).toBe("stale");
    expect(await commit(failed(NAMES, proven, at, REASON))).toBe("stale");
    expect(await commit(unreleasable(NAMES, proven, at))).toBe("stale");
    expect(await commit(sent(NAMES, proven, at, "A1"))).toBe("applied");
    const message = await attempting("refused");
    expect(await commit(sent(NAMES, message, at, "A1"))).toBe("stale");
    expect(await commit(failed(NAMES, message, at, REASON))).toBe("applied");
  });

  test("an attempt without an id of its own does not have the last one's, by which it would be taken for that", async () => {
    const message = await claimed({ delivery: { state: "released", waMessageId: "OLD", session: "other" } });
    expect((await world.find(message._id)).delivery).toMatchObject({ waMessageId: "OLD", session: "other" });
    await commit(intent(NAMES, message, { ...ATTEMPT, waMessageId: undefined }));
    expect((await world.find(message._id)).delivery).not.toHaveProperty("waMessageId");
  });

  test("a claim keeps of the last attempt's receipts only a refusal, and the intent begins without one", async () => {
    const keptOf = async (receipt: string) => {
      const message = await claimed({ delivery: { state: "failed", receipt, receiptAt: ago(9) } });
      const { delivery } = await world.find(message._id);
      await commit(intent(NAMES, message, ATTEMPT));
      expect((await world.find(message._id)).delivery).not.toHaveProperty("receipt");
      return delivery.receipt;
    };
    expect([await keptOf("refused"), await keptOf("delivered"), await keptOf("server")]).toEqual([
      "refused",
      undefined,
      undefined,
    ]);
  });
});

test("an intent leaves nothing for the end of the pass to give back", async () => {
  const expiresAt = ago(-40);
  const [attempting, waiting] = [await claimed({}, expiresAt), await claimed({}, expiresAt)];
  await commit(intent(NAMES, attempting, ATTEMPT));
  const ids = [attempting._id, waiting._id];
  expect(await returnClaims(db, ids, "A", new Date(), REASON)).toMatchObject({ changed: 1 });
  expect([await stateOf(attempting), await stateOf(waiting)]).toEqual(["attempting", "released"]);
});

test("of the claims that are given back together, those before one that is held fast are counted, too", async () => {
  const validator = { $or: [{ content: { $ne: "strict" } }, { "delivery.state": { $ne: "released" } }] };
  await world.db.command({ create: "messages", validator });
  const expiresAt = ago(-40);
  const three = async () => [
    await claimed({}, expiresAt),
    await claimed({ content: "strict" }, expiresAt),
    await claimed({}, expiresAt),
  ];
  const ids = (await three()).map(({ _id }) => _id);
  expect(await returnClaims(db, ids, "A", new Date(), REASON)).toEqual({ changed: 2, rejected: 1 });
});

test("of a message that was claimed again since, only the claim that is meant is given back", async () => {
  const message = await claimed();
  const { claimedAt } = message.delivery;
  const giveBack = (of: Date) => returnClaims(db, [message._id], "A", new Date(), REASON, of);
  expect(await giveBack(new Date(claimedAt.getTime() - 1))).toMatchObject({ changed: 0 });
  expect(await giveBack(claimedAt)).toMatchObject({ changed: 1 });
});

test("a pass's own expired claims are not rescued by itself", async () => {
  const message = await claimed({}, ago(1));
  expect(await rescueExpiredClaims(db, "A", new Date(), new Date())).toMatchObject({ changed: 0 });
  expect(await stateOf(message)).toBe("claimed");
});

test("writes made at once share one request, and each learns its own fate", async () => {
  const messages = [await claimed(), await claimed(), await claimed()];
  const [gone] = messages as [ClaimedMessage];
  await world.messages.deleteOne({ _id: gone._id as ObjectId });
  commands.length = 0;
  const results = await Promise.all(messages.map((message) => commit(intent(NAMES, message, ATTEMPT))));
  expect(results).toEqual(["stale", "applied", "applied"]);
  expect(commands.map(({ name }) => name)).toEqual(["update", "find"]);
});

test("a document that the database's validation turns away fails alone", async () => {
  const [good, bad] = [await claimed(), await claimed({ content: "strict" })];
  await world.db.command({
    collMod: "messages",
    validator: { $or: [{ content: { $ne: "strict" } }, { "delivery.state": { $ne: "attempting" } }] },
  });
  const results = await Promise.all([good, bad].map((message) => commit(intent(NAMES, message, ATTEMPT))));
  expect(results).toEqual(["applied", "rejected"]);
});

test("where a joined write is turned away, and the others can't be made by themselves, only these are in doubt", async () => {
  const messages = [await claimed(), await claimed({ content: "strict" }), await claimed()];
  const [good, bad, other] = messages as [ClaimedMessage, ClaimedMessage, ClaimedMessage];
  await world.db.command({
    collMod: "messages",
    validator: { $or: [{ content: { $ne: "strict" } }, { "delivery.state": { $ne: "attempting" } }] },
  });
  const writes = [
    intent(NAMES, good, ATTEMPT),
    intent(NAMES, bad, ATTEMPT),
    returned(other, new Date(), REASON),
  ];
  // The first request goes through. The second, and its repetition, are lost.
  await failCommands(world, { skip: 1 }, { failCommands: ["update"], closeConnection: true });
  expect(await Promise.all(writes.map(commit))).toEqual(["unacknowledged", "unacknowledged", "applied"]);
});

test("where a write is turned away and the others are not known to be on a majority, none counts as acknowledged", async () => {
  const [good, bad] = [await claimed(), await claimed({ content: "strict" })];
  await world.db.command({
    collMod: "messages",
    validator: { $or: [{ content: { $ne: "strict" } }, { "delivery.state": { $ne: "attempting" } }] },
  });
  const writeConcernError = { code: 64, errmsg: "waiting" };
  await failCommands(world, { times: 1 }, { failCommands: ["update"], writeConcernError });
  const results = await Promise.all([good, bad].map((message) => commit(intent(NAMES, message, ATTEMPT))));
  expect(results).toEqual(["unacknowledged", "unacknowledged"]);
});
