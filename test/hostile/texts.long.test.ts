import fc from "fast-check";
import { expect, test } from "vitest";
import type { World } from "../support/world.ts";
import { APP_NAMES, APPS, type App } from "./apps.ts";
import { holds } from "./seeds.ts";
import { anyCodePoint, tricky } from "./tricks.ts";

/** In JavaScript's characters, two for what lies beyond the first plane. */
const MAX_TEXT = 65_536;

const control = fc.nat(0x9f).map((code) => String.fromCharCode(code));
const blank = fc
  .array(fc.constantFrom(" ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u2028", "\u3000", "\ufeff"))
  .map((parts) => parts.join(""));
/** Of these alone nothing would be seen. */
const INVISIBLE = /[\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/gu;
/** Marks of direction, joiners and the like. */
const invisible = fc.constantFrom(
  "\u200b",
  "\u200e",
  "\u200f",
  "\u202e",
  "\u2066",
  "\u2069",
  "\u200d",
  "\0",
  "\ufe0f",
);
const anyText = fc
  .array(fc.oneof(tricky, anyCodePoint, control, invisible, fc.string({ unit: "grapheme", maxLength: 9 })), {
    maxLength: 12,
  })
  .map((parts) => parts.join(""));

/** What takes one, two, three and four bytes in UTF-8, and much more in JSON. */
const FILLING = ["x", "é", "€", "\u{1F600}", "\u0001", '"', "\\", " "];

/** A text, or what it is made of where it is about as long as a text may be: in full it would swamp a report. */
type Content = string | { filling: string; length: number; end: string };

const long = fc.record({
  filling: fc.constantFrom(...FILLING),
  length: fc.constantFrom(-1, 0, 0, 1, 2, 70_000).map((over) => MAX_TEXT + over),
  end: fc.constantFrom("", "\u200f"),
});

const contents: fc.Arbitrary<Content[]> = fc.array(
  fc.oneof({ weight: 6, arbitrary: anyText }, { weight: 2, arbitrary: blank }, long),
  { minLength: 8, maxLength: 16 },
);

/** Of just this length: what is cut off a filling of two characters is replaced. */
function textOf(content: Content): string {
  if (typeof content === "string") return content;
  const { filling, length, end } = content;
  const times = Math.floor((length - end.length) / filling.length);
  return (filling.repeat(times) + end).padEnd(length, "y");
}

/** Lets one pass work on texts and captions, and holds what WAHA got against what the database has. */
async function survives(app: App, world: World, all: Content[], isCaption: boolean): Promise<void> {
  const { collection, content: field } = app.names.messages;
  await world.database.drop();
  await app.prepare(world);
  const seen = world.waha.ledger.length;
  const written = (content: string) => app.message({ [field]: content, ...(isCaption ? app.file : {}) });
  const documents = [...all.map((content) => written(textOf(content))), written("good")];
  await world.db.collection(collection).insertMany(documents);
  await world.pass();
  const posted = new Map(world.waha.ledger.slice(seen).map(({ id, kind, text }) => [id, { kind, text }]));
  expect(world.waha.ledger.length - seen).toBe(posted.size);
  for (const { _id } of documents) {
    const { isSent, delivery, [field]: content } = await world.find(_id);
    const isFine = (isCaption || content.replace(INVISIBLE, "") !== "") && content.length <= MAX_TEXT;
    expect([isSent, delivery.state]).toEqual(isFine ? [true, "sent"] : [false, "failed"]);
    const { kind, text } = posted.get(delivery.waMessageId) ?? {};
    // Compared by hand, since `toBe` would show both.
    const isAsStored =
      text === (isFine ? content : undefined) && (kind === "text") === (isFine && !isCaption);
    expect({ length: content.length, isAsStored }).toMatchObject({ isAsStored: true });
    if (isFine) posted.delete(delivery.waMessageId);
    else expect(delivery.error.code).toBe("invalid_message");
  }
  expect(posted.size).toBe(0);
}

const WHAT = APP_NAMES.flatMap((name) => [[name, "text", false] as const, [name, "caption", true] as const]);

test.each(WHAT)(
  "with documents of %s a %s of any characters and any length that is allowed arrives as it is stored; any other fails",
  async (name, _what, isCaption) => {
    const app = APPS[name];
    const world = await app.world();
    await holds(contents, 4, (all) => survives(app, world, all, isCaption));
  },
);

test.each(WHAT)(
  "with documents of %s a %s may have 65,536 characters of any kind, and not one more",
  async (name, _what, isCaption) => {
    const app = APPS[name];
    const world = await app.world();
    const all = FILLING.flatMap((filling) =>
      [MAX_TEXT, MAX_TEXT + 1].map((length) => ({ filling, length, end: "" })),
    );
    await survives(app, world, all, isCaption);
  },
);
