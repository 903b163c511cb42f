import fc from "fast-check";
import { BSONSymbol } from "mongodb";
import { expect, test } from "vitest";
import { ago, createWorld, message, type World } from "../support/world.ts";
import { insertRaw } from "./raw-bson.ts";
import { holds } from "./seeds.ts";
import { anyValue, BSON_TYPES, withFields } from "./values.ts";

const attempt = { passId: "dead", claimedAt: ago(900), attempts: 1, attemptAt: ago(800), session: "default" };

/** What else a message may already be when one of its fields is odd. */
const STAGES: Record<string, object> = {
  new: {},
  released: { delivery: { state: "released", error: { code: "pass_died", message: "", at: ago(5) } } },
  late: {
    scheduledAt: ago(300),
    delivery: { state: "released", error: { code: "pass_died", message: "", at: ago(5) } },
  },
  claimed: {
    isPicked: true,
    delivery: { state: "claimed", passId: "dead", claimedAt: ago(90), claimExpiresAt: ago(1), attempts: 0 },
  },
  attempting: {
    isPicked: true,
    delivery: {
      ...attempt,
      state: "attempting",
      chatId: "49170@c.us",
      waMessageId: "A",
      nextLookupAt: ago(1),
    },
  },
  unknown: {
    delivery: { ...attempt, state: "unknown", chatId: "49170@c.us", waMessageId: "A", nextLookupAt: ago(1) },
  },
};

const OF_DELIVERY = [
  ...["state", "passId", "claimedAt", "claimExpiresAt", "attempts", "attemptAt", "session", "chatId"],
  ...["waMessageId", "nextLookupAt", "settledAt", "error"],
];
const FIELDS = [
  ...["_id", "campaignId", "sessionId", "chatId", "content", "scheduledAt", "isSent", "isDeleted"],
  ...["isPicked", "sentAt", "delivery", ...OF_DELIVERY.map((name) => `delivery.${name}`)],
];

/** A message that is odd in some fields. */
interface Odd {
  stage: string;
  fields: Record<string, unknown>;
}

const oddMessage: fc.Arbitrary<Odd> = fc.record({
  stage: fc.constantFrom(...Object.keys(STAGES)),
  fields: fc
    .uniqueArray(fc.tuple(fc.constantFrom(...FIELDS), anyValue), {
      minLength: 1,
      maxLength: 4,
      selector: ([field]) => field,
    })
    .map(Object.fromEntries),
});

const CHAT = /^(\d{5,20}(@c\.us|@lid)?|\d[\d-]{4,40}@g\.us|\d{5,40}@newsletter|\d+(:\d+)?@s\.whatsapp\.net)$/;

/** Chat and text under which a message may be posted at all; undefined if it may not. */
function postable(fields: Record<string, unknown>): string | undefined {
  const { isSent, isDeleted, chatId, content, scheduledAt } = fields;
  const [chat, text] = [chatId, content].map((value) => (value instanceof BSONSymbol ? value.value : value));
  const isLive = isSent === false && isDeleted === false && scheduledAt instanceof Date;
  if (!isLive || typeof chat !== "string" || typeof text !== "string") return undefined;
  if (!CHAT.test(chat) || text.trim() === "" || text.length > 65_536) return undefined;
  return `${/^\d+$/.test(chat) ? `${chat}@c.us` : chat} ${text}`;
}

/** As if three and a half minutes went by. */
async function age(world: World): Promise<void> {
  const recent = { $gte: ago(120), $lte: new Date() };
  const isDate = { $eq: [{ $type: "$scheduledAt" }, "date"] };
  await world.messages.updateMany({ scheduledAt: recent, $expr: isDate }, [
    { $set: { scheduledAt: { $subtract: ["$scheduledAt", 210_000] } } },
  ]);
}

/** Lets passes work on odd messages with good ones in between, and holds what they did against what they may do. */
async function survives(world: World, odd: Odd[]): Promise<void> {
  await world.database.drop();
  const seen = world.waha.ledger.length;
  const messages = odd.flatMap(({ stage, fields }, n) => {
    const base = message({ content: `odd ${n}`, scheduledAt: ago(60), ...STAGES[stage] });
    const good = n % 10 === 0 ? [{ base: message({ content: `good ${n}` }), fields: {}, isGood: true }] : [];
    return [...good, { base, fields, isGood: false }];
  });
  const documents = messages.map(({ base, fields }) => withFields(base, fields));
  const refused = await insertRaw(world.database.url, "messages", documents);
  for (let pass = 0; pass < 3; pass += 1) {
    const response = await world.call();
    expect(`${response.status} ${response.ok || (await response.text())}`).toBe("200 true");
    if (pass === 1) await age(world);
  }
  const allowed = new Map<string, number>();
  for (const [index, { base, fields }] of messages.entries()) {
    const key = refused[index] === undefined && postable({ ...base, ...fields });
    if (key) allowed.set(key, (allowed.get(key) ?? 0) + 1);
  }
  const posted = world.waha.ledger.slice(seen).map(({ chatId, text }) => `${chatId} ${text}`);
  for (const key of posted) allowed.set(key, (allowed.get(key) ?? 0) - 1);
  expect([...allowed].filter(([, left]) => left < 0)).toEqual([]);
  for (const { base } of messages.filter(({ isGood }) => isGood)) {
    expect(posted).toContain(`${base.chatId} ${base.content}`);
    expect(await world.find(base._id)).toMatchObject({ isSent: true, delivery: { state: "sent" } });
  }
}

test.each(FIELDS)(
  "anything at all for %s stops no other message, and is posted only where it can be",
  async (field) => {
    const world = await createWorld();
    const samples = Object.values(BSON_TYPES).flatMap((type, n) => fc.sample(type, { numRuns: 3, seed: n }));
    const stages = Object.keys(STAGES);
    const odd = samples.map((value, n) => ({
      stage: stages[n % stages.length] ?? "",
      fields: { [field]: value },
    }));
    await survives(world, odd);
  },
);

test("messages that are odd in several ways at once stop no other", async () => {
  const world = await createWorld();
  await holds(fc.array(oddMessage, { minLength: 40, maxLength: 80 }), 8, (odd) => survives(world, odd));
}, 120_000);
