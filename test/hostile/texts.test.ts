import fc from "fast-check";
import { expect, test } from "vitest";
import { createWorld, type World } from "../support/world.ts";
import { holds } from "./seeds.ts";
import { anyCodePoint, tricky } from "./tricks.ts";

/** In JavaScript's characters, two for what lies beyond the first plane. */
const MAX_TEXT = 65_536;

const control = fc.nat(0x9f).map((code) => String.fromCharCode(code));
const blank = fc
  .array(fc.constantFrom(" ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u2028", "\u3000", "\ufeff"))
  .map((parts) => parts.join(""));
/** Marks of direction, joiners and the like: invisible, and yet a text. */
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

/** Lets one pass work on texts and holds what WAHA got against what the database has. */
async function survives(world: World, all: Content[]): Promise<void> {
  await world.database.drop();
  const seen = world.waha.ledger.length;
  const ids = await world.insert(...all.map((content) => ({ content: textOf(content) })), {
    content: "good",
  });
  await world.pass();
  const posted = new Map(world.waha.ledger.slice(seen).map(({ chatId, text }) => [chatId, text]));
  expect(world.waha.ledger.length - seen).toBe(posted.size);
  for (const id of ids) {
    const { chatId, content, isSent, delivery } = await world.find(id);
    const isText = content.trim() !== "" && content.length <= MAX_TEXT;
    // Compared by hand, since `toBe` would show both.
    const isAsStored = posted.get(chatId) === (isText ? content : undefined);
    expect({ length: content.length, isAsStored }).toMatchObject({ isAsStored: true });
    expect([isSent, delivery.state]).toEqual(isText ? [true, "sent"] : [false, "failed"]);
    if (!isText) expect(delivery.error.code).toBe("invalid_message");
  }
  expect([...posted.values()]).toContain("good");
}

test("a text of any characters and any length that is allowed arrives as it is stored; any other fails", async () => {
  const world = await createWorld();
  await holds(contents, 6, (all) => survives(world, all));
});

test("a text may have 65,536 characters of any kind, and not one more", async () => {
  const world = await createWorld();
  const lengths = [MAX_TEXT, MAX_TEXT + 1];
  await survives(
    world,
    FILLING.flatMap((filling) => lengths.map((length) => ({ filling, length, end: "" }))),
  );
});
