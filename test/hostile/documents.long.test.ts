import fc from "fast-check";
import { BSONSymbol } from "mongodb";
import { describe, expect, test } from "vitest";
import { MEDIA_KINDS, type MessageNames } from "../../lib/documents/mapping.ts";
import { ago, type World } from "../support/world.ts";
import { APP_NAMES, APPS, type App, FILE_URL, mappedFields, OTHER_URL } from "./apps.ts";
import { insertRaw, nested, RawValue } from "./raw-bson.ts";
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
/** The fields that every app has. */
const FIXED = [
  ...["_id", "scheduledAt", "isSent", "isDeleted", "isPicked", "sentAt"],
  ...["delivery", ...OF_DELIVERY.map((name) => `delivery.${name}`)],
];

/** A message that is odd in some fields. */
interface Odd {
  stage: string;
  hasFile: boolean;
  fields: Record<string, unknown>;
}

/** A file's description of which the parts are known, though it is encoded. */
class OddFile extends RawValue {
  readonly parts: Record<string, unknown>;

  constructor(parts: Record<string, unknown>) {
    const { bytes, type } = nested(Object.entries(parts));
    super(type, bytes);
    this.parts = parts;
  }
}

const url = fc.constantFrom(
  FILE_URL,
  "ftp://files.example.com/a",
  "files.example.com/a",
  `${FILE_URL}${"a".repeat(2_048)}`,
);
const part = fc.oneof(fc.constantFrom("image/png", "a.png", "a".repeat(256)), anyValue);
const oddFile = fc
  .record(
    {
      kind: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...MEDIA_KINDS, "sticker") }, anyValue),
      url: fc.oneof({ weight: 4, arbitrary: url }, anyValue),
      mimetype: part,
      filename: part,
    },
    { requiredKeys: ["kind", "url"] },
  )
  .map((parts) => new OddFile(parts));

/** Anything at all for a field, and more of what may stand there. */
function anyValueOf(field: string, { media }: MessageNames): fc.Arbitrary<unknown> {
  if (field === media) return fc.oneof(anyValue, oddFile, oddFile);
  if (typeof media !== "string" && media.some((rule) => rule.url === field)) return fc.oneof(anyValue, url);
  return anyValue;
}

function oddMessage({ names }: App): fc.Arbitrary<Odd> {
  const odd = fc
    .constantFrom(...FIXED, ...mappedFields(names))
    .chain((field) => fc.tuple(fc.constant(field), anyValueOf(field, names.messages)));
  return fc.record({
    stage: fc.constantFrom(...Object.keys(STAGES)),
    hasFile: fc.boolean(),
    fields: fc
      .uniqueArray(odd, { minLength: 1, maxLength: 4, selector: ([field]) => field })
      .map((entries) => Object.fromEntries(entries)),
  });
}

const CHAT = /^(\d{5,20}(@c\.us|@lid)?|\d[\d-]{4,40}@g\.us|\d{5,40}@newsletter|\d+(:\d+)?@s\.whatsapp\.net)$/;

/** What the database holds of a value, as the driver reads it. */
const read = (value: unknown) => (value instanceof BSONSymbol ? value.value : value);

const isNothing = (value: unknown) =>
  value === undefined || value === null || (value instanceof RawValue && value.type === 6);

/** What a message has to say of a file; undefined if it is a text. */
function fileOf({ file, names }: App, fields: Record<string, unknown>): Record<string, unknown> | undefined {
  const { media } = names.messages;
  if (typeof media === "string") {
    const value = fields[media];
    if (isNothing(value)) return undefined;
    if (value instanceof OddFile) return value.parts;
    return value === file[media] ? file[media] : {};
  }
  const isGiven = (address: unknown) => !isNothing(address) && read(address) !== "";
  const rule = media.find(
    ({ url, when }) => when !== undefined && fields[when] === true && isGiven(fields[url]),
  );
  return rule && { kind: rule.kind, url: fields[rule.url] };
}

/** What may be posted of a message at all, in the words of {@link wordsOf}; undefined if nothing may. */
function postable(app: App, fields: Record<string, unknown>): string | undefined {
  const { chatOf, names } = app;
  const { isSent, isDeleted, scheduledAt } = fields;
  if (isSent !== false || isDeleted !== false || !(scheduledAt instanceof Date)) return undefined;
  const chat = read(chatOf(fields));
  if (typeof chat !== "string" || !CHAT.test(chat)) return undefined;
  const chatId = /^\d+$/.test(chat) ? `${chat}@c.us` : chat;
  const file = fileOf(app, fields);
  const content = read(fields[names.messages.content]);
  const text = file && isNothing(content) ? "" : content;
  if (typeof text !== "string" || text.length > 65_536) return undefined;
  if (!file) return text.trim() === "" ? undefined : wordsOf({ kind: "text", chatId, text });
  const [kind, address] = [read(file.kind), read(file.url)];
  if (
    !MEDIA_KINDS.some((known) => known === kind) ||
    ![FILE_URL, OTHER_URL].some((known) => known === address)
  )
    return undefined;
  return wordsOf({ kind: String(kind), chatId, text, url: String(address) });
}

function wordsOf({ chatId, kind, text, url }: { kind: string; chatId: string; text: string; url?: string }) {
  return [kind, chatId, text, url].join(" ");
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
async function survives(app: App, world: World, odd: Odd[]): Promise<void> {
  const { collection, content } = app.names.messages;
  await world.database.drop();
  await app.prepare(world);
  const seen = world.waha.ledger.length;
  const messages = odd.flatMap(({ fields, hasFile, stage }, n) => {
    const file = hasFile ? app.file : {};
    const base = app.message({ [content]: `odd ${n}`, scheduledAt: ago(60), ...file, ...STAGES[stage] });
    const good = app.message({ [content]: `good ${n}`, ...file });
    return [
      ...(n % 10 === 0 ? [{ base: good, fields: {}, isGood: true }] : []),
      { base, fields, isGood: false },
    ];
  });
  const documents = messages.map(({ base, fields }) => withFields(base, fields));
  const refused = await insertRaw(world.database.url, collection, documents);
  for (let pass = 0; pass < 3; pass += 1) {
    const response = await world.call();
    expect(`${response.status} ${response.ok || (await response.text())}`).toBe("200 true");
    if (pass === 1) await age(world);
  }
  const allowed = new Map<string, number>();
  for (const [index, { base, fields }] of messages.entries()) {
    const key = refused[index] === undefined && postable(app, { ...base, ...fields });
    if (key) allowed.set(key, (allowed.get(key) ?? 0) + 1);
  }
  const posted = world.waha.ledger.slice(seen).map(wordsOf);
  for (const key of posted) allowed.set(key, (allowed.get(key) ?? 0) - 1);
  expect([...allowed].filter(([, left]) => left < 0)).toEqual([]);
  for (const { base } of messages.filter(({ isGood }) => isGood)) {
    expect(posted).toContain(postable(app, base));
    expect(await world.find(base._id)).toMatchObject({ isSent: true, delivery: { state: "sent" } });
  }
  await expectShown(app, world);
}

/** What can't be sent as it stands is failed for the app, too, whatever stood in its fields before. */
async function expectShown({ names }: App, world: World): Promise<void> {
  const { failed, failedReason } = names.messages;
  if (failed === null || failedReason === null) return;
  const invalid = { "delivery.state": "failed", "delivery.error.code": "invalid_message" };
  const isShown = { [failed]: true, [failedReason]: /^invalid_message: / };
  expect(await world.messages.countDocuments({ ...invalid, $nor: [isShown] })).toBe(0);
}

describe.each(APP_NAMES)("documents of %s", (name) => {
  const app = APPS[name];

  // What every app has is tried with the first one.
  test.each([...(name === "plain" ? FIXED : []), ...mappedFields(app.names)])(
    "anything at all for %s stops no other message, and is posted only where it can be",
    async (field) => {
      const world = await app.world();
      const samples = Object.values(BSON_TYPES).flatMap((type, n) =>
        fc.sample(type, { numRuns: 3, seed: n }),
      );
      const special = fc.sample(anyValueOf(field, app.names.messages), { numRuns: 20, seed: 1 });
      const stages = Object.keys(STAGES);
      const odd = [...samples, ...special].map((value, n) => ({
        stage: stages[n % stages.length] ?? "",
        hasFile: n % 4 === 3,
        fields: { [field]: value },
      }));
      await survives(app, world, odd);
    },
  );

  test("that are odd in several ways at once stop no other", async () => {
    const world = await app.world();
    const odd = fc.array(oddMessage(app), { minLength: 40, maxLength: 80 });
    await holds(odd, 5, (all) => survives(app, world, all));
  }, 120_000);
});
